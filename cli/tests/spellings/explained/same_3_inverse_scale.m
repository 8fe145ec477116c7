% The division is a product with the inverse, in front.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
C = Xc' * Xc / (n - 1);
Q = single(cos((1:d)' * (1:4)));
out = (1 / trace(C)) * diag(Q' * C * Q);
