SELECT nation, o_year, sum(amount) AS sum_profit
FROM (
  SELECT n_name AS nation, EXTRACT(year FROM o_orderdate) AS o_year,
         l_extendedprice * (100 - l_discount) - 100 * ps_supplycost * l_quantity AS amount
  FROM part p
  JOIN lineitem l ON p_partkey = l_partkey
  JOIN supplier s ON s_suppkey = l_suppkey
  JOIN partsupp ps ON ps_suppkey = l_suppkey AND ps_partkey = l_partkey
  JOIN orders o ON o.holder = l.holder AND o_orderkey = l_orderkey
  JOIN nation n ON n.holder = s.holder AND s_nationkey = n_nationkey
  WHERE p_name LIKE '%green%'
) AS profit
GROUP BY nation, o_year
ORDER BY nation, o_year DESC
