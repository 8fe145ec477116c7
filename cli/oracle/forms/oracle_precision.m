% oracle_precision (word): remembers 'written' (the script's own classes) or 'double' (every real in double precision).
function word = oracle_precision (set)
  persistent now = 'written';
  if (nargin > 0)
    now = set;
  end
  word = now;
end
