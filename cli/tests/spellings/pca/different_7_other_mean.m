% The subtracted row is the mean of the squares.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X .^ 2, 1);
out = Xc' * Xc / (n - 1);
