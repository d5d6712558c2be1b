SELECT l_orderkey, sum(l_extendedprice * (100 - l_discount)) AS revenue, o_orderdate,
       o_shippriority
FROM customer c
JOIN orders o ON c_custkey = o_custkey
JOIN lineitem l ON l.holder = o.holder AND l_orderkey = o_orderkey
WHERE c_mktsegment = 'BUILDING' AND o_orderdate < DATE '1995-03-15'
  AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT 10
