% Records cli/tests/recorded/language.txt: what GNU Octave prints for each program in language_cases.txt.
%
% Run from this folder:  octave-cli --norc record_language.m
%
% The record: '=== name', the program, '--- output', what it printed, and where it failed '--- error' and Octave's
% message. Every output ends a line. Warnings are off, because they go to standard error.
%
% Each program runs in a scope of its own through evalc, so that what it prints before an error is kept.
1;

function text__ = run_program (program__)
  % The program must see no plain name of ours, hence the underscores. What it throws comes after a byte 1.
  text__ = evalc (program__, 'builtin ("printf", "\001%s", lasterr ());');
end

warning ('off', 'all');
cases = fileread ('language_cases.txt');
parts = strsplit (cases, "=== ");
out = fopen ('../tests/recorded/language.txt', 'w');
fprintf (out, '# Octave %s. Recorded by cli/oracle/record_language.m from language_cases.txt; do not edit.\n', version ());
n = 0;
for k = 2:numel (parts)
  cut = find (parts{k} == "\n", 1);
  name = parts{k}(1:cut-1);
  program = parts{k}(cut+1:end);
  text = run_program (program);
  mark = find (text == 1, 1);
  message = '';
  if (! isempty (mark))
    message = text(mark+1:end);
    text = text(1:mark-1);
  end
  fprintf (out, '=== %s\n%s--- output\n%s', name, program, text);
  if (! isempty (text) && text(end) != "\n")
    error ('%s: the output must end a line, or the record cannot be read back', name);
  end
  if (! isempty (message))
    fprintf (out, "--- error\n%s\n", strtrim (message));
  end
  n += 1;
end
fclose (out);
printf ("%d programs recorded\n", n);
