% The centred matrix went through a batch of one.
X = load('../data/x.npy');
[n, d] = size(X);
Xb = reshape(X - mean(X, 1), 1, n, d);
Xc = squeeze(Xb);
out = Xc' * Xc / (n - 1);
