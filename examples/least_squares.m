% A linear rule that tells malignant from benign, fitted by least squares to 569 samples of 30 measurements.

X = load('data/breast_cancer.npy');
y = load('data/breast_cancer_target.npy');
y = y(:);
[n, d] = size(X);

Z = (X - mean(X, 1)) ./ std(X, 0, 1);
A = [ones(n, 1), Z];
w = A \ y;

p = A * w;
r = y - p;
rmse = sqrt(mean(r .^ 2));
explained = 1 - sum(r .^ 2) / sum((y - mean(y)) .^ 2);
right = sum((p > 0.5) == (y > 0.5));

fprintf('root mean square error %.6f, explained %.4f %%\n', rmse, 100 * explained);
fprintf('%d of %d samples on the right side\n', right, n);
