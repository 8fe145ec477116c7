% The clamp comes before the scaling.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = (min(max(A * B, 0), 1) .* row .* column + 0.1) .^ 1.7;
