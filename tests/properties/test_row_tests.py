"""Two evaluators, exhaustively: every test of a row on every value, NULL among them, on each engine.

As `test_two_evaluators`, which draws whole fragments; ends of ranges are too rare there to be met.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

from narrows.core.policy.bound import (
    BoundFragment,
    BoundScan,
    BoundTest,
    Keep,
    KeepOnly,
    KeepUnless,
    KeepWithParent,
)
from narrows.core.policy.model import AS_IS
from narrows.core.terms import ColumnName, ColumnType, TypedValue
from narrows.engines.protocol import Engine
from narrows.node import compile as compiling
from tests.properties.test_compiled_equals_reference import (
    ALERT,
    ALL,
    COLUMNS,
    PERSON,
    VALUES,
    Tables,
    filled,
    tables,
)
from tests.properties.test_two_evaluators import (
    _one_column,
    by_engine,
    by_reference,
    embedded,
    richer,
)

__all__ = ["filled"]
_DATED = (ColumnType.DATE, ColumnType.TIMESTAMP)
_EVERY: Tables = {
    relation: [
        {ColumnName(n): [*VALUES[k], None][i % (len(VALUES[k]) + 1)] for n, k in kinds.items()}
        for i in range(max(len(VALUES[kind]) for kind in kinds.values()) + 1)
    ]
    for relation, kinds in COLUMNS.items()
}
"""Each relation with every value in every column, and NULL."""


def test_every_test_of_a_row_agrees_on_every_value(
    filled: tuple[Engine, Callable[[Tables], None]],
) -> None:
    postgresql, fill = filled
    fill(_EVERY)
    with embedded(_EVERY) as both:
        assert [disagreeing(engine) for engine in (*both, postgresql)] == [[], [], []]


def disagreeing(engine: Engine) -> list[Keep]:
    """The keeps of one test under which an engine does not keep what the reference keeps."""
    found: list[Keep] = []
    for column, kind in ALL:
        relation = PERSON if column.alias == "t1" else ALERT
        ops = ["in", "null", *(["before", "from", "to"] if kind in _DATED else [])]
        for op, value in product(ops, [*VALUES[kind], None]):
            test = BoundTest(column.column, op, () if op == "null" else (TypedValue(kind, value),))
            for keep in (KeepUnless((test,)), KeepOnly((test,))):
                scan = BoundScan(column.alias, relation, (keep,))
                bound = _one_column(scan, column, AS_IS, TypedValue(kind, None))
                bound = replace(bound, filters=())
                if by_engine(bound, engine) != by_reference(bound, _EVERY):
                    found.append(keep)
    return found


# --- negative controls: an engine that is told something else must differ ---------------------


def _null_passes(patch: pytest.MonkeyPatch) -> None:
    _said_otherwise(patch, "keep", ", (1 = 0))", ", (1 = 1))")


def _the_last_day_is_outside(patch: pytest.MonkeyPatch) -> None:
    _said_otherwise(patch, "column_test", " <= ", " < ")


def _the_first_day_is_outside(patch: pytest.MonkeyPatch) -> None:
    _said_otherwise(patch, "column_test", " >= ", " > ")


def _said_otherwise(patch: pytest.MonkeyPatch, part: str, said: str, instead: str) -> None:
    spelled = getattr(compiling._Compiling, part)
    patch.setattr(compiling._Compiling, part, lambda *given: spelled(*given).replace(said, instead))


def _only_is_read_as_unless(patch: pytest.MonkeyPatch) -> None:
    keep = compiling._Compiling.keep

    def other(self: compiling._Compiling, found: Keep, alias: str) -> str:
        unless = KeepUnless(found.tests) if isinstance(found, KeepOnly) else found
        return keep(self, unless, alias)

    patch.setattr(compiling._Compiling, "keep", other)


@pytest.mark.parametrize(
    "fault",
    [_null_passes, _the_first_day_is_outside, _the_last_day_is_outside, _only_is_read_as_unless],
)
def test_a_fault_is_caught(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    with embedded(_EVERY) as both:
        assert all(disagreeing(engine) for engine in both)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_a_parent_that_is_kept_though_it_is_hidden_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`find` raises where no fragment tells the two evaluators apart."""
    parent = compiling._Compiling.with_parent

    def whole(self: compiling._Compiling, found: KeepWithParent, alias: str) -> str:
        return parent(self, replace(found, keep=()), alias)

    monkeypatch.setattr(compiling._Compiling, "with_parent", whole)
    find(
        st.tuples(tables(), st.lists(richer(), min_size=8, max_size=8)),
        lambda drawn: _differs(*drawn),
        settings=settings(
            max_examples=200,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
        random=Random(5),
    )


def _differs(found: Tables, fragments: Sequence[BoundFragment]) -> bool:
    with embedded(found) as both:
        return any(by_engine(one, both[1]) != by_reference(one, found) for one in fragments)
