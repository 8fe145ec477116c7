% Records cli/tests/recorded/examples/NAME.txt: the results of each script in examples/.
%
% Run from this folder:  octave-cli --norc record_examples.m
%
% The scripts run unchanged. The folder forms/ supplies what Octave 7 lacks: a `load` that reads npy, and reductions over
% several dimensions and over 'all' by nested ones.
%
% A record has the sections '=== written' (each class as the script has it) and, where the script uses single, '=== double'
% (the same computed in double precision, so without the rounding of Octave's own single sums). Each holds, for every result,
% a line 'name class dims' and a line of the elements in column-major order. pca.txt also has '=== outside': the shares
% of the eigenvalues by an eigen-decomposition.
1;

function put (out, name, x)
  dims = strjoin (arrayfun (@num2str, size (x), 'UniformOutput', false), 'x');
  fprintf (out, '%s %s %s\n%s\n', name, class (x), dims, strtrim (sprintf ('%.17g ', x)));
end

function record_one (out__, name__, wanted__)
  evalc (fileread ([name__ '.m']));
  for k__ = 1:numel (wanted__)
    put (out__, wanted__{k__}, eval (wanted__{k__}));
  end
  if (strcmp (name__, 'pca'))
    fprintf (out__, '=== outside\n');
    put (out__, 'share', sort (eig (C), 'descend')(1:8) / trace (C));
  end
end

warning ('off', 'all');
here = pwd ();
addpath ([here '/forms']);
cd ('../../examples');
wanted = {'pca', {'share', 'total', 'steps'}, false;
          'normalise', {'mu', 'sigma', 'mse'}, true;
          'correlation', {'t', 'between', 'closest', 'pair', 'strongest', 'which'}, false;
          'least_squares', {'w', 'rmse', 'explained', 'right'}, false;
          'epilogue', {'d', 'total', 'largest', 'along'}, true;
          'conjugate_gradient', {'some', 'size_of_x', 'steps'}, false};
for k = 1:rows (wanted)
  out = fopen ([here '/../tests/recorded/examples/' wanted{k,1} '.txt'], 'w');
  fprintf (out, '# Octave %s. Recorded by cli/oracle/record_examples.m; do not edit.\n', version ());
  oracle_precision ('written');
  fprintf (out, '=== written\n');
  record_one (out, wanted{k,1}, wanted{k,2});
  if (wanted{k,3})
    oracle_precision ('double');
    fprintf (out, '=== double\n');
    record_one (out, wanted{k,1}, wanted{k,2});
  end
  fclose (out);
end
