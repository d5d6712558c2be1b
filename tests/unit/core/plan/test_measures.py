"""A measure that a question writes as an expression, in the form `count` alone."""

from dataclasses import replace

import pytest

from narrows.core.catalog import Catalog, decode_catalog
from narrows.core.plan.plan import PlanCache, plan
from narrows.core.terms import ColumnName
from tests.unit.core.policy.world import CATALOG, PERSON, columns

PAIR = (ColumnName("seen_on"), ColumnName("born"))
_PERSON = CATALOG.relations[PERSON]
AGED: Catalog = replace(
    CATALOG,
    relations={
        **CATALOG.relations,
        PERSON: replace(
            _PERSON,
            columns=(
                *_PERSON.columns,
                *columns("seen_on:date"),
                replace(columns("days:integer")[0], same_as=PAIR),
            ),
        ),
    },
)


def read(sql: str, form: str = "count") -> set[str]:
    (fragment,) = (part.fragment for part in plan(sql, {}, AGED, form).parts)
    return {output.column.column for output in fragment.outputs}


def test_a_declared_difference_is_its_column() -> None:
    sql = "SELECT country, avg(p.seen_on - p.born) FROM person p GROUP BY country"
    assert read(sql) == {"country", "days"}
    assert read(sql, "lookup") == {"country", "seen_on", "born"}


@pytest.mark.parametrize(
    "term",
    [
        "p.born - p.seen_on",
        "p.seen_on - p.seen_on",
        "p.seen_on - DATE '2026-01-01'",
        "p.age - p.age",
    ],
)
def test_no_other_difference_is(term: str) -> None:
    assert "days" not in read(f"SELECT avg({term}) FROM person p")


def test_the_columns_of_two_uses_are_no_difference() -> None:
    sql = "SELECT avg(p.seen_on - q.born) FROM person p JOIN person q ON p.country = q.country"
    columns_of = {
        output.column.column for part in plan(sql, {}, AGED, "count").parts
        for output in part.fragment.outputs
    }  # fmt: skip
    assert "days" not in columns_of


def test_a_difference_of_what_a_subquery_gives_is_none() -> None:
    sql = "SELECT avg(x.seen_on - x.born) FROM (SELECT seen_on, born FROM person LIMIT 9) x"
    assert read(sql) == {"seen_on", "born"}


def test_a_filter_on_a_difference_goes_down_as_the_column() -> None:
    (part,) = plan(
        "SELECT count(*) FROM person p WHERE p.seen_on - p.born > 7", {}, AGED, "count"
    ).parts
    assert len(part.fragment.filters) == 1


def test_plans_of_two_forms_are_kept_apart() -> None:
    cache = PlanCache()
    sql = "SELECT avg(seen_on - born) FROM person"
    lookup = cache.plan(sql, {}, AGED)
    count = cache.plan(sql, {}, AGED, "count")
    assert lookup != count
    assert cache.find(sql, {}, AGED) is lookup
    assert cache.find(sql, {}, AGED, "count") is count
    assert cache.find(sql, {}, AGED, "list") is None


def test_the_catalogs_bytes_say_so_only_where_it_is_declared() -> None:
    assert b"same_as" not in CATALOG.encoded
    assert b'"same_as":["seen_on","born"]' in AGED.encoded
    found = decode_catalog(AGED.encoded)
    assert found.relations[PERSON].columns[-1].same_as == PAIR
    assert found.digest == AGED.digest
