% A factor is reshaped where it should be transposed.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
At = A';
out = min(max(0.7 * (reshape(At, rows(A), columns(A)) * B) .* row .* column + 0.1, 0), 2) .^ 1.7;
