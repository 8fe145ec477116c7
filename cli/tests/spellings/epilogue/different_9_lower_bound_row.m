% The lower bound is a row.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = min(max(0.7 * (A * B) .* row + 0.1, column), 2) .^ 1.7;
