% The product has another user, which nothing asks for.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
P = A * B;
spare = P + 1;
out = min(max(0.7 * P .* row .* column + 0.1, 0), 2) .^ 1.7;
