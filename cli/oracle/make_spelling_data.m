% Writes cli/tests/spellings/data/*.npy: small deterministic single precision arrays for the spellings.
%
% Run from this folder:  octave-cli --norc make_spelling_data.m
1;

function write_npy (name, x)
  % Always at least two dimensions, in Fortran order, which is how Octave holds them.
  shape = strjoin (arrayfun (@(n) sprintf ('%d', n), size (x), 'UniformOutput', false), ', ');
  header = sprintf ('{''descr'': ''<f4'', ''fortran_order'': True, ''shape'': (%s), }', shape);
  % Magic, length and header together fill a multiple of 64 bytes.
  pad = mod (-(10 + numel (header) + 1), 64);
  header = [header, repmat(' ', 1, pad), "\n"];
  f = fopen (['../tests/spellings/data/' name '.npy'], 'w', 'ieee-le');
  fwrite (f, [147, 'NUMPY', 1, 0], 'uint8');
  fwrite (f, numel (header), 'uint16');
  fwrite (f, header, 'char');
  fwrite (f, single (x), 'single');
  fclose (f);
end

% Scattered values in [0, 1): the fractional parts of large sines.
scatter = @(n, seed) mod (sin ((1:n)' * 12.9898 + seed) * 43758.5453, 1);
x = reshape (scatter (300 * 32, 1), 300, 32) + (1:32) / 8;
write_npy ('x', x);
write_npy ('a', reshape (scatter (48 * 40, 2), 48, 40) - 0.4);
write_npy ('b', reshape (scatter (40 * 48, 3), 40, 48) - 0.4);
write_npy ('row', 0.5 + scatter (48, 4));
write_npy ('column', 0.5 + scatter (48, 5)');
images = reshape (scatter (3 * 24 * 30, 6), 3, 24, 30) .* [0.5; 0.75; 1] + [0.1; 0.2; 0];
write_npy ('images', images);
