% The centred matrix has another user, which nothing asks for.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
spare = Xc .^ 2;
out = Xc' * Xc / (n - 1);
