% Q went through a batch of one.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
C = Xc' * Xc / (n - 1);
Q = single(cos((1:d)' * (1:4)));
Qb = reshape(Q, 1, d, 4);
Q = squeeze(Qb);
out = diag(Q' * C * Q) / trace(C);
