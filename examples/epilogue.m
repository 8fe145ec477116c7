% A matrix product with everything that may follow one: scaling of rows and of columns, a bias, a clamp, a power, and the
% diagonal of the result. The factors are made by a formula, in whole numbers, so that they are the same everywhere.

n = 256;
m = 256;
k = 192;
i = single(1:n)';
j = single(1:m);
p = single(1:k);

A = mod(7 * i + 13 * p, 31) / 31 - 0.4;
B = mod(11 * p' + 5 * j, 29) / 29 - 0.4;
row_scale = 0.5 + i / n;
column_scale = 1.5 - j / m;

Y = min(max(0.7 * (A * B) .* row_scale .* column_scale + 0.1, 0), 3) .^ 1.7;
d = diag(Y);

total = sum(Y(:));
largest = max(Y(:));
along = sum(d);
fprintf('total %.3f, largest %.5f, along the diagonal %.5f\n', total, largest, along);
