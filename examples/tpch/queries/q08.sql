SELECT o_year,
       sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / sum(volume) AS mkt_share
FROM (
  SELECT EXTRACT(year FROM o_orderdate) AS o_year,
         l_extendedprice * (100 - l_discount) AS volume,
         n2.n_name AS nation
  FROM part p
  JOIN lineitem l ON p_partkey = l_partkey
  JOIN supplier s ON s_suppkey = l_suppkey
  JOIN orders o ON o.holder = l.holder AND l_orderkey = o_orderkey
  JOIN customer c ON o_custkey = c_custkey
  JOIN nation n1 ON n1.holder = c.holder AND c_nationkey = n1.n_nationkey
  JOIN region r ON r.holder = n1.holder AND n1.n_regionkey = r_regionkey
  JOIN nation n2 ON n2.holder = s.holder AND s_nationkey = n2.n_nationkey
  WHERE r_name = 'AMERICA' AND p_type = 'ECONOMY ANODIZED STEEL'
    AND o_orderdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31'
) AS all_nations
GROUP BY o_year
ORDER BY o_year
