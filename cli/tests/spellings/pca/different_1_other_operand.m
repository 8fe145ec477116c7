% The second factor is another matrix.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
Yc = X .^ 2 - mean(X, 1);
out = Xc' * Yc / (n - 1);
