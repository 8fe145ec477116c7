% mean (x, d): by sums, also for several dimensions at once and for 'all', which Octave 7 does not know.
function m = mean (x, d)
  if (nargin == 1)
    d = find (size (x) != 1, 1);
    if (isempty (d))
      d = 1;
    end
  end
  s = sum (x, d);
  m = s / (numel (x) / numel (s));
end
