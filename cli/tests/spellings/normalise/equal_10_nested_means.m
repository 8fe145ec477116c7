% The mean is a mean of means: the inner ones divide before the outer ones sum, so these are two folds.
X = load('../data/images.npy');
mu = mean(mean(X, 2), 3);
sigma = std(X, 1, [2 3]);
Z = (X - mu) ./ (sigma + 1e-6);
out = max(1.0123 * Z - 0.02, 0) .^ 1.8;
