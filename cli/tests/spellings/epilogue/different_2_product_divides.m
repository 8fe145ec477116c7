% The product divides a column, not the other way round.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = row ./ ((A .* A) * (B .* B));
