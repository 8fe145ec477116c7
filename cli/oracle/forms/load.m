% load (name): an npy file as a matrix, in place of Octave's own function, which does not read the format.
%
% Elements are in the order of the file's shape (a C-ordered file is transposed while reading); a shape of one dimension
% becomes a column. Bytes and short integers become double, as everything does while `oracle_precision` is 'double'.
function x = load (name)
  f = fopen (name, 'r', 'ieee-le');
  if (f < 0)
    error ('load: cannot open %s', name);
  end
  magic = fread (f, 8, 'uint8');
  if (magic(7) == 1)
    n = fread (f, 1, 'uint16');
  else
    n = fread (f, 1, 'uint32');
  end
  header = char (fread (f, n, 'uint8')');
  descr = regexp (header, '''descr'':\s*''([^'']*)''', 'tokens'){1}{1};
  fortran = ! isempty (regexp (header, '''fortran_order'':\s*True'));
  shape = str2num (['[' regexp(header, '''shape'':\s*\(([^)]*)\)', 'tokens'){1}{1} ']']);
  kinds = struct ('f4', 'single', 'f8', 'double', 'u1', 'uint8', 'i2', 'int16', 'i4', 'int32');
  kind = kinds.(descr(2:3));
  x = fread (f, Inf, kind);
  fclose (f);
  if (numel (shape) == 1)
    x = reshape (x, shape, 1);
  elseif (fortran)
    x = reshape (x, shape);
  else
    x = permute (reshape (x, fliplr (shape)), numel (shape):-1:1);
  end
  if (strcmp (kind, 'single') && ! strcmp (oracle_precision (), 'double'))
    x = builtin ('single', x);
  end
end
