% var (x, opt, d): by its definition, also for several dimensions at once, which Octave 7 does not know.
function v = var (x, opt, d)
  if (nargin < 2)
    opt = 0;
  end
  if (nargin < 3)
    d = find (size (x) != 1, 1);
  end
  v = std (x, opt, d) .^ 2;
end
