% Records cli/tests/recorded/classes.txt: the class that each operator and function of the language gives for each class;
% and how numbers become integers.
%
% Run from this folder:  octave-cli --norc record_classes.m
%
% Lines of three kinds, each with one result for each class of the header, or 'error':
%   operation shapeA shapeB classA: results    for classB = each class (an array assigned into is A)
%   operation shape: results                   for the operand's class = each class
%   convert integerclass number: result        a number, not a class
% A shape is scalar (1x1), matrix (2x2) or empty (0x0); 'horzcat' and 'vertcat' stand for [a, b] and [a; b], 'assign' for
% a(1) = b and 'fill' for a(:, :) = b.
1;

function x = value (name, shape)
  switch (shape)
    case 'scalar'
      x = 1;
    case 'matrix'
      x = [2 1; 1 2];
    case 'empty'
      x = [];
  end
  x = feval (name, x);
end

function text = class_of (code, a, b)
  try
    r = [];
    eval (code);
    text = class (r);
  catch
    text = 'error';
  end
end

function pairs_line (out, name, code, shape_a, shape_b, classes)
  for i = 1:numel (classes)
    fprintf (out, '%s %s %s %s:', name, shape_a, shape_b, classes{i});
    for j = 1:numel (classes)
      fprintf (out, ' %s', class_of (code, value (classes{i}, shape_a), value (classes{j}, shape_b)));
    end
    fprintf (out, '\n');
  end
end

warning ('off', 'all');
out = fopen ('../tests/recorded/classes.txt', 'w');
classes = {'double', 'single', 'int32', 'logical', 'char', 'int64', 'uint8'};
fprintf (out, '# Octave %s. Recorded by cli/oracle/record_classes.m; do not edit. Classes: %s\n', version (), strjoin (classes, ' '));
binary = {'+', '-', '.*', '*', './', '/', '.\', '\', '.^', '^', '==', '~=', '<', '<=', '>', '>=', '&', '|'};
shapes = {'scalar', 'scalar'; 'scalar', 'matrix'; 'matrix', 'scalar'; 'matrix', 'matrix'};
for k = 1:rows (shapes)
  for o = 1:numel (binary)
    pairs_line (out, binary{o}, ['r = a ' binary{o} ' b;'], shapes{k,:}, classes);
  end
end
for name = {'max', 'min', 'mod', 'rem', 'hypot', 'atan2', 'power', 'xor'}
  pairs_line (out, name{1}, ['r = ' name{1} '(a, b);'], 'matrix', 'matrix', classes);
end
shapes = {'matrix', 'matrix'; 'scalar', 'scalar'; 'empty', 'matrix'; 'matrix', 'empty'; 'empty', 'empty'};
for k = 1:rows (shapes)
  pairs_line (out, 'horzcat', 'r = [a, b];', shapes{k,:}, classes);
  pairs_line (out, 'vertcat', 'r = [a; b];', shapes{k,:}, classes);
end
pairs_line (out, 'assign', 'r = a; r(1) = b;', 'scalar', 'scalar', classes);
pairs_line (out, 'assign', 'r = a; r(1) = b;', 'matrix', 'scalar', classes);
pairs_line (out, 'assign', 'r = a; r(1) = b;', 'empty', 'scalar', classes);
pairs_line (out, 'fill', 'r = a; r(:, :) = b;', 'matrix', 'matrix', classes);

of_one = {'-', '+', '!', 'transpose', 'sum', 'prod', 'cumsum', 'mean', 'var', 'std', 'min', 'max', 'any', 'all', 'abs', ...
          'sign', 'sqrt', 'exp', 'expm1', 'log', 'log2', 'log10', 'log1p', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', ...
          'sinh', 'cosh', 'tanh', 'floor', 'ceil', 'round', 'fix', 'isnan', 'isinf', 'isfinite', 'not', 'diag', 'trace', ...
          'sort', 'find', 'norm', 'inv', 'fliplr', 'flipud', 'squeeze', 'numel', 'size', 'isempty', 'double', 'single', ...
          'int32', 'logical', 'uint8', 'int64', 'char'};
for o = 1:numel (of_one)
  code = ['r = ' of_one{o} '(a);'];
  for shape = {'scalar', 'matrix'}
    fprintf (out, '%s %s:', of_one{o}, shape{1});
    for i = 1:numel (classes)
      fprintf (out, ' %s', class_of (code, value (classes{i}, shape{1}), []));
    end
    fprintf (out, '\n');
  end
end

numbers = [0, 0.49999999999999994, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 127.5, 254.5, 255.5, 300, -1, 2147483646.5, ...
           2147483647.5, 3e9, -2147483648.5, -3e9, 4503599627370497.5, 9007199254740993, 9.3e18, -9.3e18, 1e300, Inf, ...
           -Inf, NaN];
for name = {'int32', 'int64', 'uint8'}
  for x = numbers
    fprintf (out, 'convert %s %.17g: %d\n', name{1}, x, feval (name{1}, x));
  end
end
fclose (out);
