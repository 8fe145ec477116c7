% The power comes before the clamp.
X = load('../data/images.npy');
mu = mean(X, [2 3]);
sigma = std(X, 1, [2 3]);
Z = (X - mu) ./ (sigma + 1e-6);
out = max(abs(1.0123 * Z - 0.02) .^ 1.8, 0.25);
