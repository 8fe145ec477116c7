% single (x): Octave's, or nothing at all while everything is to be computed in double precision.
function x = single (x)
  if (strcmp (oracle_precision (), 'double'))
    x = double (x);
  else
    x = builtin ('single', x);
  end
end
