% The means are those of the rows.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 2);
out = Xc' * Xc / (n - 1);
