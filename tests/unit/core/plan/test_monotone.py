"""Where a missing row can only be missing in the answer, and where silence would state something."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan

P, D = "person p", "paper d"
CASES = [
    (f"SELECT name FROM {P}", "f1"),
    (f"SELECT DISTINCT name FROM {P} ORDER BY name", "f1"),
    (f"SELECT p.name FROM {P}, {D}", "f1 f2"),
    (f"SELECT name FROM {P} UNION SELECT kind FROM {D}", "f1 f2"),
    (f"SELECT s.name FROM (SELECT name FROM {P}) s", "f1"),
    (f"WITH a AS (SELECT name FROM {P}) SELECT name FROM a", "f1"),
    (f"SELECT p.name FROM {P} LEFT JOIN {D} ON p.pid = d.pid", "f1"),
    # The preserved side is numbered first.
    (f"SELECT p.name FROM {P} RIGHT JOIN {D} ON p.pid = d.pid", "f1"),
    (f"SELECT p.name FROM {P} FULL JOIN {D} ON p.pid = d.pid", ""),
    (f"SELECT name FROM {P} LIMIT 3", ""),
    (f"SELECT name FROM {P} OFFSET 3", ""),
    (f"SELECT count(*) AS n FROM {P}", ""),
    (f"SELECT name FROM {P} GROUP BY name", ""),
    (f"SELECT 1 AS x FROM {P} HAVING count(*) > 1", ""),
    (f"SELECT 1 AS x FROM {P} ORDER BY count(*)", ""),
    (f"SELECT rank() OVER (ORDER BY age) AS r FROM {P}", ""),
    (f"SELECT name FROM {P} ORDER BY row_number() OVER (ORDER BY age)", ""),
    (f"SELECT pid FROM {P} EXCEPT SELECT pid FROM {D}", ""),
    (f"SELECT name FROM {P} WHERE NOT EXISTS (SELECT 1 FROM {D} WHERE d.pid = p.pid)", "f1"),
    (f"SELECT name FROM {P} WHERE pid NOT IN (SELECT pid FROM {D})", "f1"),
    (f"SELECT name, (SELECT max(kind) FROM {D}) AS k FROM {P}", "f1"),
    (f"SELECT p.name FROM {P} LEFT JOIN file c ON p.pid IN (SELECT pid FROM {D})", "f1"),
    (f"WITH a AS (SELECT pid FROM {P}) SELECT pid FROM a WHERE pid NOT IN (SELECT pid FROM a)", ""),
]


@pytest.mark.parametrize(("sql", "steady"), CASES)
def test_monotone(sql: str, steady: str, catalog: Catalog) -> None:
    parts = plan(sql, {}, catalog).parts
    assert " ".join(part.name for part in parts if part.monotone) == steady
