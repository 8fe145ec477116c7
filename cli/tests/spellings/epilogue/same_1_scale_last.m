% The scalar comes after the vectors.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = min(max((A * B) .* row .* column * 0.7 + 0.1, 0), 2) .^ 1.7;
