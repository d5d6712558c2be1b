SELECT 100.0 * sum(CASE WHEN p_type LIKE 'PROMO%'
                        THEN l_extendedprice * (100 - l_discount) ELSE 0 END)
       / sum(l_extendedprice * (100 - l_discount)) AS promo_revenue
FROM lineitem l
JOIN part p ON l_partkey = p_partkey
WHERE l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-10-01'
