SELECT s_name, count(*) AS numwait
FROM supplier s
JOIN lineitem l1 ON s_suppkey = l1.l_suppkey
JOIN orders o ON o.holder = l1.holder AND o_orderkey = l1.l_orderkey
JOIN nation n ON n.holder = s.holder AND s_nationkey = n_nationkey
WHERE o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate
  AND EXISTS (
    SELECT * FROM lineitem l2
    WHERE l2.holder = l1.holder AND l2.l_orderkey = l1.l_orderkey
      AND l2.l_suppkey <> l1.l_suppkey
  )
  AND NOT EXISTS (
    SELECT * FROM lineitem l3
    WHERE l3.holder = l1.holder AND l3.l_orderkey = l1.l_orderkey
      AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate
  )
  AND n_name = 'SAUDI ARABIA'
GROUP BY s_name
ORDER BY numwait DESC, s_name
LIMIT 100
