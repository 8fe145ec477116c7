% The mean is a sum over a count.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - sum(X, 1) / n;
out = Xc' * Xc / (n - 1);
