% The transpose is a permutation.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = permute(Xc, [2 1]) * Xc / (n - 1);
