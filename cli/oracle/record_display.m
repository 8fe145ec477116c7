% Records cli/tests/recorded/display.txt: how GNU Octave shows each value of display_cases.txt under `format short`.
%
% Run from this folder:  octave-cli --norc record_display.m
%
% The record of a case: '=== expression'; a line 'class dims'; a line of the elements in column-major order, written so
% that they read back exactly (characters as codes); '--- display' and what `x = expression` prints; '--- disp' and what
% `disp(x)` prints. Both end in a line break of their own.
1;

function text = elements (x)
  switch (class (x))
    case 'double'
      text = sprintf ('%.17g ', x);
    case 'single'
      text = sprintf ('%.9g ', x);
    otherwise
      text = sprintf ('%d ', x);
  end
end


format short
out = fopen ('../tests/recorded/display.txt', 'w');
fprintf (out, '# Octave %s. Recorded by cli/oracle/record_display.m from display_cases.txt; do not edit.\n', version ());
cases = strsplit (strtrim (fileread ('display_cases.txt')), "\n");
for k = 1:numel (cases)
  expression = cases{k};
  shown = evalc (['x = ' expression]);
  bare = evalc ('disp (x)');
  if (! isempty (strfind (typeinfo (x), 'range')))
    error ('%s: a range is shown by rules of its own; write it as a matrix', expression);
  end
  fprintf (out, "=== %s\n%s %s\n%s\n--- display\n%s--- disp\n%s", expression, class (x), ...
           strjoin (arrayfun (@num2str, size (x), 'UniformOutput', false), 'x'), strtrim (elements (x)), shown, bare);
end
fclose (out);
printf ("%d values recorded\n", numel (cases));
