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

from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy import bind, finish, grants
from narrows.core.policy.bound import First, FirstAnchor, RangeAnchor
from narrows.core.policy.model import AS_IS, Mask
from narrows.core.terms import ColumnType, Holder, TypedValue
from narrows.node import compile as compiling
from narrows.node.terms import TRUE, Terms
from tests.proof.asking import Federations, fill_side, make_world
from tests.proof.bits import draw_anchored, everything, match_otherwise, others, revealed
from tests.proof.pairs import Mutable, _change, _copied, draw_tables
from tests.proof.policies import draw_grant, draw_spec
from tests.proof.schema import HOLDERS, draw_catalog
from tests.proof.spec import Agreed, Spec
from tests.proof.stores import Stores
from tests.proof.views import Asker, Tables, Views
from tests.proof.worlds import EXAMPLES, PHASES, SEED


class ToldApart(AssertionError):
    """A question says more than the bits, or everything says less."""


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
    two: dict[Holder, Mutable] = {}
    for holder, tables in ones.items():
        changed = _copied(tables)
        for _ in range(cells.choice((0, 1, 2, 6))):
            _change(cells, changed, catalog)
        two[holder] = changed
    asked = draw_anchored(structure, views, grant, ones[HOLDERS[0]])
    if cells.random() < 0.5:
        for holder in HOLDERS:
            match_otherwise(cells, views, asked, two[holder], holder)
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
            if found := apart[0].first_difference(apart[1]):
                raise ToldApart(sql, found)
    if one.released and (difference == "") != agree:
        raise ToldApart(everything(asked, views), difference)
    kinds = {
        kind
        for key, _ in asked.literals
        for kind in (key.said or {"equal": 1})
        if kind in _KINDS and one.released
    }
    return agree, one.released, kinds


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


def _what_is_matched_is_shown(patch: pytest.MonkeyPatch) -> None:
    mask = grants._Reader._mask

    def also(self: grants._Reader, show: grants.Shown, column: ColumnOf) -> Mask | None:
        relation = self.fragment.relation_of(column.alias)
        keys = {(k.relation, name) for found in self.grant.by for k in found for name in k.columns}
        is_matched = (relation, column.column) in keys
        return mask(self, show, column) or (AS_IS if is_matched else None)

    patch.setattr(grants._Reader, "_mask", also)


class _Two(list[object]):
    """A list whose first element, when it is cut out, is the first two."""

    def __getitem__(self, index: object) -> object:  # type: ignore[override]
        return list(self)[:2] if isinstance(index, slice) else list(self)[int(str(index))]


def _a_pointers_second_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(finish, "sorted", lambda rows, key: _Two(sorted(rows, key=key)), raising=False)


def _documents_as_they_are_spelled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(finish, "normal_document", lambda text: text)


def _any_likeness(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(finish, "_likeness_matcher", lambda _: lambda _: True)


def _beginnings_not_compared(patch: pytest.MonkeyPatch) -> None:
    anchor = compiling._Compiling.anchor
    patch.setattr(
        compiling._Compiling,
        "anchor",
        lambda self, one: TRUE if isinstance(one, FirstAnchor) else anchor(self, one),
    )


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (_masks_skipped, 49),
        (_names_as_they_are_spelled, 4),
        (_pointer_by_no_key, 66),
        (_range_of_any_width, 180),
        (_what_is_matched_is_shown, 250),
        (_a_pointers_second_row, 48),
        (_documents_as_they_are_spelled, 177),
        (_any_likeness, 34),
        (_beginnings_not_compared, 10),
    ],
)
def test_a_fault_is_caught(
    stores: Stores,
    fault: Callable[[pytest.MonkeyPatch], None],
    first: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looked for from the first databases that show it as things stand."""
    _tell(stores, first, 1)
    fault(monkeypatch)
    with pytest.raises(ToldApart):
        _tell(stores, first, 1000)


def _tell(stores: Stores, first: int, many: int) -> None:
    for number in range(first, first + many):
        told_apart(stores, Random(number), Random(-number), ("duckdb", "sqlite"))
