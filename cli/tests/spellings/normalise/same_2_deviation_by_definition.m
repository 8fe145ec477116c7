% The deviation is written out.
X = load('../data/images.npy');
mu = mean(X, [2 3]);
sigma = sqrt(mean((X - mu) .^ 2, [2 3]));
Z = (X - mu) ./ (sigma + 1e-6);
out = max(1.0123 * Z - 0.02, 0) .^ 1.8;
