% A factor is permuted back and forth.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = min(max(0.7 * (A * permute(B', [2 1])) .* row .* column + 0.1, 0), 2) .^ 1.7;
