% One factor is scaled before the product.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = Xc' / (n - 1) * Xc;
