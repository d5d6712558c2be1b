"""Declassification: a match or a pointer reveals its bits, exactly those, and all of them.

Databases that agree on the bits are indistinguishable under every question with the same anchors;
databases that do not are told apart by the question for everything. Both directions are needed:
the first alone would hold of a node that answers nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from narrows.core.policy import bind, finish
from narrows.core.policy.bound import First, RangeAnchor
from narrows.core.terms import ColumnType, Holder, TypedValue
from narrows.node.terms import Terms
from tests.proof.asking import Federations, fill_side, make_world
from tests.proof.bits import draw_anchored, everything, others, revealed
from tests.proof.pairs import _change, _copied, draw_tables
from tests.proof.policies import draw_grant, draw_spec
from tests.proof.schema import HOLDERS, draw_catalog
from tests.proof.spec import Agreed, Spec
from tests.proof.stores import Stores
from tests.proof.views import Asker, Tables, Views
from tests.proof.worlds import EXAMPLES, PHASES, SEED

_END = TypedValue(ColumnType.DATE, date.max)
_KINDS = ("equal", "in", "within_days", "first", "normal", "similar")


def told_apart(
    stores: Stores, structure: Random, cells: Random, engines: tuple[str, str] | None = None
) -> tuple[bool, bool, set[str]]:
    """Whether two databases agree on the bits, whether they look alike, and the kinds of keys."""
    catalog = draw_catalog(structure)
    form = structure.choice(("lookup", "lookup", "pointer"))
    drawn = draw_grant(structure, catalog, form)
    grant = replace(drawn, rows={}, row_cap=1000, literal_cap=20)
    never = [one for one in draw_spec(structure, catalog)[0].never if one.tests]
    spec = Spec(tuple(never), (Agreed("main", (grant,), {"members": ["vpd"]}),))
    views = Views(catalog, spec, form, Asker())
    ones: dict[Holder, Tables] = {h: draw_tables(cells, catalog, h) for h in HOLDERS}
    two: dict[Holder, Tables] = {}
    for holder, tables in ones.items():
        changed = _copied(tables)
        for _ in range(cells.choice((0, 1, 2, 6))):
            _change(cells, changed, catalog)
        two[holder] = changed
    asked = draw_anchored(structure, views, grant, ones[HOLDERS[0]])
    engines = engines or structure.choice((("duckdb", "sqlite"), ("sqlite", "postgresql")))
    world = make_world(catalog, dict.fromkeys(HOLDERS, spec), form, Asker())
    sides = [
        fill_side(stores, engines, tables, catalog, name)
        for tables, name in ((ones, "one"), (two, "other"))
    ]
    holding = [holder for holder in HOLDERS if {*asked.aliases.values()} <= catalog.holds[holder]]
    agree = all(
        revealed(views, holder, asked, ones[holder]) == revealed(views, holder, asked, two[holder])
        for holder in holding
    )
    federations = Federations(stores)
    one, other = (federations.ask(everything(asked, views), world, side) for side in sides)
    difference = one.first_difference(other)
    if agree:
        for sql in others(asked, views, structure):
            apart = [federations.ask(sql, world, side) for side in sides]
            assert apart[0].first_difference(apart[1]) == "", sql
    if one.released:
        assert (difference == "") == agree, (everything(asked, views), difference)
    found = {
        kind
        for key, _ in asked.literals
        for kind in (key.said or {"equal": 1})
        if kind in _KINDS and one.released
    }
    return agree, one.released, found


@pytest.mark.timeout(0)
@seed(SEED)
@settings(
    max_examples=max(10, EXAMPLES // 16),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(structure=st.randoms(use_true_random=True), cells=st.integers(0, 2**64 - 1))
def test_matches_and_pointers_reveal_their_bits(
    stores: Stores, structure: Random, cells: int
) -> None:
    told_apart(stores, structure, Random(cells))


def test_both_directions_are_tried(stores: Stores) -> None:
    agreed, differed, kinds = 0, 0, set[str]()
    for number in range(130):
        agree, released, found = told_apart(stores, Random(number), Random(-number))
        agreed += released and agree
        differed += released and not agree
        kinds |= found
    assert agreed > 30
    assert differed > 12
    assert kinds == {*_KINDS}


# --- negative controls: a form that reveals more, or less, must be seen -----------------------


def _masks_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Terms, "released", Terms.raw)
    patch.setattr(finish, "coarsen", lambda _, value: value)


def _names_as_they_are_spelled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(finish, "normal_name", lambda text: text)


def _pointer_by_no_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bind, "First", lambda _, then: First((), then))


def _range_of_any_width(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bind, "RangeAnchor", lambda column, low, _: RangeAnchor(column, low, _END))


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "fault",
    [_masks_skipped, _names_as_they_are_spelled, _pointer_by_no_key, _range_of_any_width],
)
def test_a_fault_is_caught(
    stores: Stores,
    fault: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault(monkeypatch)

    def tell_all() -> None:
        for number in range(1000):
            told_apart(stores, Random(number), Random(-number), ("duckdb", "sqlite"))

    with pytest.raises(AssertionError):
        tell_all()
