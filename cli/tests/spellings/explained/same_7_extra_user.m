% The product has another user, which nothing asks for.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
C = Xc' * Xc / (n - 1);
Q = single(cos((1:d)' * (1:4)));
G = Q' * C * Q;
spare = G + 1;
out = diag(G) / trace(C);
