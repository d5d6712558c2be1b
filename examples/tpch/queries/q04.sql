SELECT o_orderpriority, count(*) AS order_count
FROM orders o
WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE '1993-10-01'
  AND EXISTS (
    SELECT * FROM lineitem l
    WHERE l.holder = o.holder AND l_orderkey = o_orderkey AND l_commitdate < l_receiptdate
  )
GROUP BY o_orderpriority
ORDER BY o_orderpriority
