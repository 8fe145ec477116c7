% Absolute values come between centring and product.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = abs(X - mean(X, 1));
out = Xc' * Xc / (n - 1);
