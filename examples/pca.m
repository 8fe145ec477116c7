% Principal components of handwritten digits: 1797 images of 8x8 pixels, one in each row.
%
% The eight leading eigenvectors of the covariance matrix come from orthogonal iteration: multiply a basis by the matrix,
% make it orthonormal again, and stop when the subspace it spans no longer moves.

X = double(load('data/digits.npy'));
[n, d] = size(X);
k = 8;

Xc = X - mean(X, 1);
C = Xc' * Xc / (n - 1);

[Q, R] = qr(cos((1:d)' * (1:k)), 0);   % any start of full rank will do
moved = 1;
steps = 0;
while moved > 1e-10 && steps < 500     % single precision never gets as far as 1e-10
  [Z, R] = qr(C * Q, 0);
  moved = norm(Z - Q * (Q' * Z), 'fro');
  Q = Z;
  steps += 1;
end

share = sort(diag(Q' * C * Q) / trace(C), 'descend');
total = sum(share);

fprintf('%d images of %d pixels\n', n, d);
for i = 1:k
  fprintf('component %d explains %8.4f %%\n', i, 100 * share(i));
end
fprintf('together        %8.4f %%\n', 100 * total);
