SELECT n_name, sum(l_extendedprice * (100 - l_discount)) AS revenue
FROM customer c
JOIN orders o ON c_custkey = o_custkey
JOIN lineitem l ON l.holder = o.holder AND l_orderkey = o_orderkey
JOIN supplier s ON l_suppkey = s_suppkey AND c_nationkey = s_nationkey
JOIN nation n ON n.holder = s.holder AND s_nationkey = n_nationkey
JOIN region r ON r.holder = n.holder AND n_regionkey = r_regionkey
WHERE r_name = 'ASIA'
  AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1995-01-01'
GROUP BY n_name
ORDER BY revenue DESC
