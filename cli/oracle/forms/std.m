% std (x, opt, d): by its definition, also for several dimensions at once, which Octave 7 does not know.
function s = std (x, opt, d)
  if (nargin < 2 || isempty (opt))
    opt = 0;
  end
  if (nargin < 3)
    d = find (size (x) != 1, 1);
  end
  away = x - mean (x, d);
  squares = sum (away .^ 2, d);
  n = numel (x) / numel (squares);
  s = sqrt (squares / (n - (opt == 0)));
end
