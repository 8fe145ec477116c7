% The centred images have another user, which nothing asks for.
X = load('../data/images.npy');
mu = mean(X, [2 3]);
sigma = std(X, 1, [2 3]);
A = X - mu;
spare = A .* A;
Z = A ./ (sigma + 1e-6);
out = max(1.0123 * Z - 0.02, 0) .^ 1.8;
