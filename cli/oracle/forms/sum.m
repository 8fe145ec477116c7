% sum (x, d): Octave's, also for several dimensions at once and for 'all', which Octave 7 does not know.
function s = sum (x, d)
  if (nargin == 1)
    s = builtin ('sum', x);
  elseif (ischar (d))
    s = builtin ('sum', x(:));
  else
    s = x;
    for k = d(:)'
      s = builtin ('sum', s, k);
    end
  end
end
