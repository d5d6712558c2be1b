SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS value
FROM partsupp ps
JOIN supplier s ON ps_suppkey = s_suppkey
JOIN nation n ON n.holder = s.holder AND s_nationkey = n_nationkey
WHERE n_name = 'GERMANY'
GROUP BY ps_partkey
HAVING sum(ps_supplycost * ps_availqty) > (
  SELECT sum(ps2.ps_supplycost * ps2.ps_availqty) * 1e-4
  FROM partsupp ps2
  JOIN supplier s2 ON ps2.ps_suppkey = s2.s_suppkey
  JOIN nation n2 ON n2.holder = s2.holder AND s2.s_nationkey = n2.n_nationkey
  WHERE n2.n_name = 'GERMANY'
)
ORDER BY value DESC
