% A factor is scaled before the product.
A = load('../data/a.npy');
B = load('../data/b.npy');
row = load('../data/row.npy');
column = load('../data/column.npy');
out = min(max((0.7 * A) * B .* row .* column + 0.1, 0), 2) .^ 1.7;
