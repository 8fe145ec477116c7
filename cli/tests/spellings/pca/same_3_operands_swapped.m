% The difference is a sum with the negated mean in front.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = -mean(X, 1) + X;
out = Xc' * Xc / (n - 1);
