SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
FROM part p
JOIN partsupp ps ON ps.holder = p.holder AND ps_partkey = p_partkey
JOIN supplier s ON s_suppkey = ps_suppkey
JOIN nation n ON n.holder = s.holder AND n_nationkey = s_nationkey
JOIN region r ON r.holder = n.holder AND r_regionkey = n_regionkey
WHERE p_size = 15 AND p_type LIKE '%BRASS' AND r_name = 'EUROPE'
  AND ps_supplycost = (
    SELECT min(ps2.ps_supplycost)
    FROM partsupp ps2
    JOIN supplier s2 ON s2.s_suppkey = ps2.ps_suppkey
    JOIN nation n2 ON n2.holder = s2.holder AND n2.n_nationkey = s2.s_nationkey
    JOIN region r2 ON r2.holder = n2.holder AND r2.r_regionkey = n2.n_regionkey
    WHERE p.p_partkey = ps2.ps_partkey AND r2.r_name = 'EUROPE'
  )
ORDER BY s_acctbal DESC, n_name, s_name, p_partkey
LIMIT 100
