% The upper bound is applied first.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = max(min(0.7 * (A * B) .* row .* column + 0.1, 2), 0) .^ 1.7;
