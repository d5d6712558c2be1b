"""Non-interfering: databases that differ in hidden values alone cannot be told apart.

Each example is a world (catalog, policies as their officers would write them, two databases a
holder whose release views are equal) and ten questions, each asked of both federations through
the planner, the policy, the compiler, the engine, Arrow and the merge. `NARROWS_PROOF_EXAMPLES`
says how many questions in all, `NARROWS_PROOF_SEED` where to begin.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy import bind, finish, grants
from narrows.core.policy.bound import KeepUnless, KeepWithParent
from narrows.core.policy.cascade import keeps_of
from narrows.core.policy.model import AS_IS, MaskKind
from narrows.node import compile as compiling
from narrows.node import release, terms
from tests.proof.asking import Federations
from tests.proof.stores import Stores
from tests.proof.values import NUMBER_CANARY, TEXT_CANARY
from tests.proof.worlds import (
    EXAMPLES,
    PHASES,
    QUESTIONS_A_PAIR,
    SEED,
    draw_world,
    found_by,
    heard_by_both,
)

_PERIODS = (MaskKind.YEAR, MaskKind.MONTH, MaskKind.DAY)


@pytest.mark.timeout(0)
@seed(SEED)
@settings(
    max_examples=max(1, EXAMPLES // QUESTIONS_A_PAIR),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(structure=st.randoms(use_true_random=True), cells=st.integers(0, 2**64 - 1))
def test_hidden_values_change_nothing(stores: Stores, structure: Random, cells: int) -> None:
    drawn = draw_world(structure, Random(cells))
    for sql, one, other in heard_by_both(drawn, stores, Federations(stores)):
        assert one.first_difference(other) == "", sql
        for canary in (TEXT_CANARY, NUMBER_CANARY):
            assert canary.decode() in sql or not other.holds(canary), sql


def test_the_questions_are_worth_asking(stores: Stores) -> None:
    """Pairs differ, questions are answered, with rows, by every engine, and refused as well."""
    federations, counts = Federations(stores), dict.fromkeys(("asked", "sent", "rows", "errors"), 0)
    changes, forms, engines = 0, set[str](), set[str]()
    for number in range(60):
        drawn = draw_world(Random(number), Random(-number))
        changes += sum(pair.changes for pair in drawn.pairs.values())
        for _, heard, _ in heard_by_both(drawn, stores, federations):
            counts["asked"] += 1
            counts["sent"] += heard.released
            counts["rows"] += isinstance(heard.answer, tuple) and bool(heard.answer[-1])
            counts["errors"] += heard.items[0][0] == "error"
            if heard.released:
                forms.add(drawn.form)
                engines.update(drawn.engines)
    assert changes > 60 * 10
    assert counts["sent"] > counts["asked"] / 4
    assert counts["rows"] > counts["asked"] / 10
    assert 0 < counts["errors"] < counts["asked"] / 5
    assert forms == {"lookup", "list", "pointer"}
    assert engines == {"duckdb", "sqlite", "postgresql"}


# --- negative controls: each fault must be caught, or the proof proves nothing ---------------


def _never_dropped() -> Iterable[object]:
    yield patch.object(bind, "keeps_of", lambda *_: ())


def _null_not_closed() -> Iterable[object]:
    keep = compiling._Compiling.keep

    def open_keep(self: compiling._Compiling, found: object, alias: str) -> str:
        text = keep(self, found, alias)  # type: ignore[arg-type]
        return text.replace(", (1 = 0))", ", (1 = 1))") if isinstance(found, KeepUnless) else text

    yield patch.object(compiling._Compiling, "keep", open_keep)


def _cascade_dropped() -> Iterable[object]:
    yield patch.object(
        bind,
        "keeps_of",
        lambda *given: tuple(k for k in keeps_of(*given) if not isinstance(k, KeepWithParent)),
    )


def _column_shown() -> Iterable[object]:
    mask = grants._Reader._mask
    yield patch.object(grants._Reader, "_mask", lambda *given: mask(*given) or AS_IS)


def _date_not_coarsened() -> Iterable[object]:
    released, coarsen = terms.Terms.released, finish.coarsen

    def raw(self: terms.Terms, column: ColumnOf) -> str:
        masks = {found.column: found.mask for found in self.bound.columns}
        is_period = column in masks and masks[column].kind in _PERIODS
        return self.raw(column) if is_period else released(self, column)

    yield patch.object(terms.Terms, "released", raw)
    yield patch.object(
        finish, "coarsen", lambda mask, v: v if mask.kind in _PERIODS else coarsen(mask, v)
    )


def _answer_not_sorted() -> Iterable[object]:
    for module in (release, finish):
        yield patch.object(module, "sorted", lambda rows, key: list(rows), create=True)


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (_never_dropped, 2),
        (_null_not_closed, 8),
        (_cascade_dropped, 2),
        (_column_shown, 13),
        (_date_not_coarsened, 201),
        (_answer_not_sorted, 0),
    ],
)
def test_a_fault_is_caught(
    stores: Stores, fault: Callable[[], Iterable[object]], first: int
) -> None:
    """Looked for from the first world that shows it as things stand."""
    with ExitStack() as faults:
        for one in fault():
            faults.enter_context(one)  # type: ignore[arg-type]
        assert found_by(stores, worlds=300, seed=3, first=first) != ""
