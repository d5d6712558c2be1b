"""Utility: where everything is allowed, a question has the answer of its own SQL over the tables.

A list is always of the rows of a fixed filter, so "everything" is one list for each set of
relations, of the rows whose column `kept` is true, which all are.
"""

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from narrows.core.catalog import Catalog
from narrows.core.terms import Holder
from tests.oracle.world import union_of, with_kept
from tests.proof.asking import Federations, Heard, fill_side, make_world
from tests.proof.pairs import draw_tables
from tests.proof.questions import Questions
from tests.proof.schema import HOLDERS, draw_catalog
from tests.proof.spec import Agreed, Granted, Spec
from tests.proof.stores import Stores
from tests.proof.views import Asker, Tables
from tests.proof.worlds import EXAMPLES, PHASES, QUESTIONS_A_PAIR, SEED

_OFFSETS = ("row_number()", "lag(")
"""Where rows tie, either order is right."""


def allow_all(catalog: Catalog) -> Spec:
    """A policy that lists everything, in every combination, as it is."""
    names = list(catalog.relations)
    grants = [
        Granted(
            "list",
            chosen,
            {n: {one.name: "as is" for one in catalog.relations[n].columns[1:]} for n in chosen},
            {name: {"kept": {"equal": True}} for name in chosen},
            row_cap=100_000,
        )
        for count in range(1, len(names) + 1)
        for chosen in combinations(names, count)
    ]
    return Spec((), (Agreed("all", tuple(grants), {"members": ["vpd"]}),))


def compared(
    stores: Stores,
    structure: Random,
    cells: Random,
    engines: tuple[str, str] | None = None,
    *,
    lost: bool = False,
) -> Iterator[tuple[str, Heard, list[tuple[object, ...]] | None]]:
    """Questions, what is heard, and what the same SQL gives over the union; None for an error.

    With `lost`, holders keep a row each to themselves.
    """
    catalog = with_kept(draw_catalog(structure))
    tables = {holder: draw_tables(cells, catalog, holder) for holder in HOLDERS}
    for found in tables.values():
        for rows in found.values():
            for row in rows:
                row["kept"] = True
            if lost:
                rows[0]["kept"] = None

    specs = dict.fromkeys(HOLDERS, allow_all(catalog))
    world = make_world(catalog, specs, "list", Asker())
    engines = engines or structure.choice((("duckdb", "sqlite"), ("postgresql", "sqlite")))
    given_tables: dict[Holder, Tables] = dict(tables)
    side = fill_side(stores, engines, given_tables, catalog, "one")
    union, federations = union_of(catalog, given_tables), Federations(stores)
    asking = Questions(structure, catalog, None, tables[HOLDERS[0]])
    for _ in range(QUESTIONS_A_PAIR):
        sql = asking.question()
        try:
            expected = union.execute(sql).fetchall()
        except duckdb.Error:
            expected = None
        yield sql, federations.ask(sql, world, side), expected
    union.close()


def check(sql: str, heard: Heard, expected: list[tuple[object, ...]] | None) -> str:
    """`same`, or why there is nothing to compare; fails where the answer is another one."""
    if heard.items[0][0] == "error" or isinstance(heard.answer, str) or heard.gaps:
        return "refused"
    assert isinstance(heard.answer, tuple)
    if heard.answer[0] == "merge failed" or expected is None:
        # What raises on a row that a filter drops is up to the order of evaluation.
        return "failed" if expected is None else "failed here alone"
    columns, rows = heard.answer
    if any(word in sql for word in _OFFSETS):
        assert len(rows) == len(expected), sql
        return "tied"
    names = [name for name, _ in columns]
    wanted = [_spelled(dict(zip(names, row, strict=True))) for row in expected]
    found = [_spelled(eval(row, dict(_NAMES))) for row in rows]  # our own `repr`
    if "LIMIT" in sql:
        assert len(found) == len(wanted), sql
    else:
        assert Counter(found) == Counter(wanted), sql
    return "same"


def _spelled(row: Mapping[str, object]) -> str:
    """A row, its numbers without their type: a sum is whole here and decimal there."""
    return repr({name: float(v) if isinstance(v, int) else v for name, v in row.items()})


_NAMES = {"datetime": datetime}


@pytest.mark.timeout(0)
@seed(SEED)
@settings(
    max_examples=max(5, EXAMPLES // (6 * QUESTIONS_A_PAIR)),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(structure=st.randoms(use_true_random=True), cells=st.integers(0, 2**64 - 1))
def test_what_is_allowed_is_answered_in_full(stores: Stores, structure: Random, cells: int) -> None:
    for sql, heard, expected in compared(stores, structure, Random(cells)):
        check(sql, heard, expected)


def test_most_questions_are_compared(stores: Stores) -> None:
    counts = Counter(
        check(sql, heard, expected)
        for number in range(25)
        for sql, heard, expected in compared(stores, Random(number), Random(-number))
    )
    assert counts["same"] > 150
    assert counts["refused"] < 40
    # What compares nothing, or less, is the exception.
    assert counts["failed"] < 15
    assert counts["failed here alone"] < 4
    assert counts["tied"] < 15


def test_a_row_that_is_lost_is_missed(stores: Stores) -> None:
    def ask_all() -> None:
        for number in range(25):
            for sql, heard, expected in compared(
                stores, Random(number), Random(-number), lost=True
            ):
                check(sql, heard, expected)

    with pytest.raises(AssertionError):
        ask_all()
