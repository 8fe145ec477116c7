% The power is a function.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
v = 0.7 * (A * B) .* row .* column + 0.1;
out = power(min(max(v, 0), 2), 1.7);
