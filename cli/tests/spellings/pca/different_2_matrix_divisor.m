% The divisor is a matrix.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
D = 1 + abs((1:d)' - (1:d));
out = Xc' * Xc ./ D;
