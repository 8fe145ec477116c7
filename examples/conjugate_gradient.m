% A symmetric positive definite system solved by conjugate gradients: a chain of springs, each mass also tied to the ground.

n = 600;
ground = 1 / 256;
i = (1:n)';
j = 1:n;
A = (2 + ground) * (i == j) - (abs(i - j) == 1);
b = mod(37 * i, 101) / 101 - 0.5;

x = zeros(n, 1);
r = b;
p = r;
rr = r' * r;
size_of_b = norm(b);
size_of_r = size_of_b;
tol = 1e-18 * size_of_b;   % out of reach, so that all 500 steps are taken
steps = 0;
while size_of_r > tol && steps < 500
  q = A * p;
  alpha = rr / (p' * q);
  x = x + alpha * p;
  r = r - alpha * q;
  rr_new = r' * r;
  p = r + (rr_new / rr) * p;
  rr = rr_new;
  size_of_r = norm(r);
  steps += 1;
end
fprintf('%d steps, residual %.0e beside a right side of %.3f\n', steps, size_of_r, size_of_b);

% Nothing below is computed unless somebody asks for it, as in  --out x=x.npy --out left=left.npy
size_of_x = norm(x);
some = x(1:25:n);
left = norm(b - A * x) / size_of_b;
