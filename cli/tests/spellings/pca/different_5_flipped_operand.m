% The second factor has its rows in reverse.
X = load('../data/x.npy');
[n, d] = size(X);
Xc = X - mean(X, 1);
out = Xc' * flipud(Xc) / (n - 1);
