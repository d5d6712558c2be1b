"""Before and after: a day or a year of a column, as comparisons of the column itself."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Comparison, leaves_of
from narrows.core.plan.plan import plan
from narrows.core.plan.render import render_filter
from narrows.core.terms import ColumnType

CASES = {
    "CAST(crossed_at AS date) < DATE '2026-06-01'": "t1.crossed_at < TIMESTAMP '2026-06-01 00:00'",
    "CAST(crossed_at AS date) <= DATE '2026-06-01'": "t1.crossed_at < TIMESTAMP '2026-06-02 00:00'",
    "CAST(crossed_at AS date) > DATE '2026-06-01'": "t1.crossed_at > TIMESTAMP '2026-06-01 24:00'",
    "CAST(crossed_at AS date) >= DATE '2026-06-01'": "t1.crossed_at > TIMESTAMP '2026-05-31 24:00'",
    "CAST(crossed_at AS date) = DATE '2026-06-01'": (
        "(t1.crossed_at > TIMESTAMP '2026-05-31 24:00' AND t1.crossed_at < TIMESTAMP '2026-06-02 00:00')"
    ),
    "CAST(crossed_at AS date) <> DATE '2026-06-01'": (
        "(t1.crossed_at < TIMESTAMP '2026-06-01 00:00' OR t1.crossed_at > TIMESTAMP '2026-06-01 24:00')"
    ),
    "DATE '2026-06-01' < CAST(crossed_at AS date)": "t1.crossed_at > TIMESTAMP '2026-06-01 24:00'",
    "DATE '0001-01-02' <= CAST(crossed_at AS date)": "t1.crossed_at > TIMESTAMP '0001-01-01 24:00'",
    "year(since) = 2024": "(t1.since > DATE '2023-12-31' AND t1.since < DATE '2025-01-01')",
    "NOT EXTRACT(year FROM since) = 2024": (
        "NOT ((t1.since > DATE '2023-12-31' AND t1.since < DATE '2025-01-01'))"
    ),
    "2024 <= year(since)": "t1.since > DATE '2023-12-31'",
    "year(since) <= 9998": "t1.since < DATE '9999-01-01'",
    "year(since) > 2": "t1.since > DATE '0002-12-31'",
    "year(crossed_at) >= 2024": "t1.crossed_at > TIMESTAMP '2023-12-31 24:00'",
}
"""`24:00` stands for the last microsecond of a day, and a plain time for its first."""


def restated(condition: str, catalog: Catalog) -> str:
    table = "crossing" if "crossed_at" in condition else "file"
    kinds = {"day": ColumnType.DATE} if ":day" in condition else {}
    (part,) = plan(f"SELECT holder FROM {table} WHERE {condition}", kinds, catalog).parts
    found = " AND ".join(render_filter(one) for one in part.fragment.filters)
    return found.replace("23:59:59.999999", "24:00").replace("00:00:00.000000", "00:00")


@pytest.mark.parametrize("condition", CASES)
def test_before_and_after(condition: str, catalog: Catalog) -> None:
    assert restated(condition, catalog) == CASES[condition]


@pytest.mark.parametrize(
    "condition",
    [
        "CAST(crossed_at AS date) = DATE '0001-01-01'",
        "CAST(crossed_at AS date) = DATE '9999-12-31'",
        "CAST(crossed_at AS date) = :day",
        "CAST(crossed_at AS date) = CURRENT_DATE",
        "CAST(crossed_at AS date) IN (DATE '2026-06-01')",
        "CAST(crossed_at AS date) IS DISTINCT FROM DATE '2026-06-01'",
        "CAST(number AS date) = DATE '2026-06-01' AND crossed_at IS NULL OR crossed_at IS NULL",
        "year(since) = 1",
        "year(since) = 9999",
        "year(since) = 0",
        "year(since) = 10000",
        "year(since) = -2024",
        "year(since) = 2024.0",
        "month(since) = 6",
        "EXTRACT(month FROM since) = 6",
        "year(since) = year(since)",
        "year(since) + 1 = 2024",
        "CAST(since AS timestamp) = TIMESTAMP '2026-06-01 00:00:00'",
        "'a' < 'b'",
    ],
)
def test_any_other_stays_above(condition: str, catalog: Catalog) -> None:
    assert restated(condition, catalog) == ""


@pytest.mark.parametrize("condition", CASES)
def test_only_strict_comparisons_come_out(condition: str, catalog: Catalog) -> None:
    """What a policy anchors on is `=`, `>=` and `<=`."""
    table = "crossing" if "crossed_at" in condition else "file"
    (part,) = plan(f"SELECT holder FROM {table} WHERE {condition}", {}, catalog).parts
    leaves = [leaf for one in part.fragment.filters for leaf in leaves_of(one)]
    assert {leaf.op for leaf in leaves if isinstance(leaf, Comparison)} <= {"<", ">"}
    assert leaves
