% Records cli/tests/recorded/spellings/GROUP.txt: the variable `out` of each script in cli/tests/spellings/GROUP/.
%
% Run from this folder, after make_spelling_data.m:  octave-cli --norc record_spellings.m
%
% Everything is computed in double precision (see forms/), though the data is single: the record is the value, the test's
% tolerance is single's. A case: '=== script', a line 'dims stride largest', and a line of every stride-th element in
% column-major order, starting with the first; 'largest' is the largest magnitude of all elements.
1;

function x = run_script (text__)
  evalc (text__);
  x = out;
end

warning ('off', 'all');
here = pwd ();
addpath ([here '/forms']);
oracle_precision ('double');
for group = {'pca', 'explained', 'epilogue', 'normalise'}
  cd ([here '/../tests/spellings/' group{1}]);
  record = fopen ([here '/../tests/recorded/spellings/' group{1} '.txt'], 'w');
  fprintf (record, '# Octave %s. Recorded by cli/oracle/record_spellings.m; do not edit.\n', version ());
  names = sort ({dir('*.m').name});
  for k = 1:numel (names)
    x = run_script (fileread (names{k}));
    stride = max (1, floor (numel (x) / 150));
    % A stride prime to the sides visits every row and column.
    while (any (gcd (stride, size (x)) > 1) && stride > 1)
      stride -= 1;
    end
    fprintf (record, "=== %s\n%s %d %.17g\n%s\n", names{k}(1:end-2), ...
             strjoin (arrayfun (@num2str, size (x), 'UniformOutput', false), 'x'), stride, max (abs (x(:))), ...
             strtrim (sprintf ('%.10g ', x(1:stride:end))));
  end
  fclose (record);
end
