% Only half the mean is subtracted.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - 0.5 * mean(X, 1);
out = Xc' * Xc / (n - 1);
