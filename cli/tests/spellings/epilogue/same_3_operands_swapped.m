% Every commuting operator has its operands the other way.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = min(2, max(0, 0.1 + column .* (row .* ((A * B) * 0.7)))) .^ 1.7;
