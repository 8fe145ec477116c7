% A symmetric positive definite system solved by conjugate gradients: a chain of springs, each mass also tied to the ground.

n = 600;
ground = 0.005;
i = (1:n)';
j = 1:n;
A = (2 + ground) * (i == j) - (abs(i - j) == 1);
b = mod(37 * i, 101) / 101 - 0.5;

x = zeros(n, 1);
r = b;
p = r;
rr = r' * r;
tol = 1e-15 * norm(b);
steps = 0;
while norm(r) > tol && steps < 500
  q = A * p;
  alpha = rr / (p' * q);
  x = x + alpha * p;
  r = r - alpha * q;
  rr_new = r' * r;
  p = r + (rr_new / rr) * p;
  rr = rr_new;
  steps += 1;
end

size_of_x = norm(x);
some = x(1:25:n);
left = norm(b - A * x) / norm(b);
fprintf('%d steps, residual %.1e, norm of the solution %.9f\n', steps, left, size_of_x);
