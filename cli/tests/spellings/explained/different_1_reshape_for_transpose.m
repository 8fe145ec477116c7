% Q is reshaped where it should be transposed.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
C = Xc' * Xc / (n - 1);
Q = single(cos((1:d)' * (1:4)));
out = diag(reshape(Q, 4, d) * C * Q) / trace(C);
