% The data lies transposed, one sample in each column.
X = load('../data/x.npy');
[n, d] = size(X);
T = X';
Tc = T - mean(T, 2);
out = Tc * Tc' / (n - 1);
