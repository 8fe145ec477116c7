% Which measurements of cell nuclei go together, and which tell malignant from benign: 569 samples of 30 measurements.

X = load('data/breast_cancer.npy');
y = load('data/breast_cancer_target.npy');
y = y(:);
[n, d] = size(X);

Z = (X - mean(X, 1)) ./ std(X, 0, 1);
R = Z' * Z / (n - 1);
t = Z' * ((y - mean(y)) / std(y)) / (n - 1);

between = mean(abs(R(:)));
A = abs(R - eye(d));
[closest, at] = max(A(:));
pair = [mod(at - 1, d) + 1, floor((at - 1) / d) + 1];
pair = sort(pair);
[strongest, which] = max(abs(t));

fprintf('mean absolute correlation %.6f\n', between);
fprintf('measurements %d and %d are closest: %.6f\n', pair, closest);
fprintf('measurement %d follows the diagnosis best: %.6f\n', which, t(which));
