% The divisor is a row, so the result is not symmetric.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = Xc' * Xc ./ (n + (1:d));
