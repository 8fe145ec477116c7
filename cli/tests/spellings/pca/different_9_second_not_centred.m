% Only the first factor is centred, and it is squared.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = (X - mean(X, 1)) .^ 2;
out = Xc' * X / (n - 1);
