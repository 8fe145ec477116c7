% The statistics are those of a pixel column over the batch.
X = load('../data/images.npy');
mu = mean(X, [1 2]);
sigma = std(X, 1, [1 2]);
Z = (X - mu) ./ (sigma + 1e-6);
out = max(1.0123 * Z - 0.02, 0) .^ 1.8;
