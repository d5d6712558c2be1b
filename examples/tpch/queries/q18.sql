SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) AS sum_qty
FROM customer c
JOIN orders o ON c_custkey = o_custkey
JOIN lineitem l ON l.holder = o.holder AND o_orderkey = l_orderkey
WHERE o_orderkey IN (
  SELECT l2.l_orderkey FROM lineitem l2 GROUP BY l2.l_orderkey HAVING sum(l2.l_quantity) > 300
)
GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
ORDER BY o_totalprice DESC, o_orderdate
LIMIT 100
