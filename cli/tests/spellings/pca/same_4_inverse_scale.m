% The division is a product with the inverse, in front.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = (1 / (n - 1)) * (Xc' * Xc);
