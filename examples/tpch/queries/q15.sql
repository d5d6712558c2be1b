WITH revenue (supplier_no, total_revenue) AS (
  SELECT l_suppkey, sum(l_extendedprice * (100 - l_discount))
  FROM lineitem
  WHERE l_shipdate >= DATE '1996-01-01' AND l_shipdate < DATE '1996-04-01'
  GROUP BY l_suppkey
)
SELECT s_suppkey, s_name, s_address, s_phone, total_revenue
FROM supplier s
JOIN revenue ON s_suppkey = supplier_no
WHERE total_revenue = (SELECT max(r.total_revenue) FROM revenue r)
ORDER BY s_suppkey
