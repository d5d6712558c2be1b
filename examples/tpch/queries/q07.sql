SELECT supp_nation, cust_nation, l_year, sum(volume) AS revenue
FROM (
  SELECT n1.n_name AS supp_nation, n2.n_name AS cust_nation,
         EXTRACT(year FROM l_shipdate) AS l_year,
         l_extendedprice * (100 - l_discount) AS volume
  FROM supplier s
  JOIN lineitem l ON s_suppkey = l_suppkey
  JOIN orders o ON o.holder = l.holder AND o_orderkey = l_orderkey
  JOIN customer c ON c_custkey = o_custkey
  JOIN nation n1 ON n1.holder = s.holder AND s_nationkey = n1.n_nationkey
  JOIN nation n2 ON n2.holder = c.holder AND c_nationkey = n2.n_nationkey
  WHERE ((n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY')
         OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE'))
    AND l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31'
) AS shipping
GROUP BY supp_nation, cust_nation, l_year
ORDER BY supp_nation, cust_nation, l_year
