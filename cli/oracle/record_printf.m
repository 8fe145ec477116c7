% Records cli/tests/recorded/printf.txt: what GNU Octave's sprintf makes of each argument list in printf_cases.txt.
%
% Run from this folder:  octave-cli --norc record_printf.m
%
% The record of a case: '=== arguments'; the number of arguments; each as in display.txt (class and dimensions, elements),
% the template first; '--- output', the text, a line break and '--- end'; or '--- error' and the message.
1;

function text = elements (x)
  if (isa (x, 'double'))
    text = sprintf ('%.17g ', x);
  elseif (isa (x, 'single'))
    text = sprintf ('%.9g ', x);
  else
    text = sprintf ('%d ', x);
  end
end

warning ('off', 'all');
out = fopen ('../tests/recorded/printf.txt', 'w');
fprintf (out, '# Octave %s. Recorded by cli/oracle/record_printf.m from printf_cases.txt; do not edit.\n', version ());
cases = strsplit (strtrim (fileread ('printf_cases.txt')), "\n");
for k = 1:numel (cases)
  arguments = eval (['{' cases{k} '}']);
  fprintf (out, "=== %s\n%d\n", cases{k}, numel (arguments));
  for j = 1:numel (arguments)
    x = arguments{j};
    fprintf (out, "%s %s\n%s\n", class (x), strjoin (arrayfun (@num2str, size (x), 'UniformOutput', false), 'x'), ...
             strtrim (elements (x)));
  end
  try
    text = sprintf (arguments{:});
    fprintf (out, "--- output\n");
    fwrite (out, text);
    fprintf (out, "\n--- end\n");
  catch problem
    fprintf (out, "--- error\n%s\n", problem.message);
  end
end
fclose (out);
printf ("%d templates recorded\n", numel (cases));
