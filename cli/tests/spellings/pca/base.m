% The covariance of the rows, as anyone would write it.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = Xc' * Xc / (n - 1);
