"""Released rows made fewer: groups, measures, and the first of an order; NULLs and ties included."""

from dataclasses import replace

import pytest

from narrows.core.plan.fragment import ColumnOf
from narrows.core.plan.shape import Gather, Measure, Top, TopKey
from narrows.core.policy.bound import (
    BoundFragment,
    BoundOutput,
    BoundScan,
    Cap,
    ReleasedColumn,
)
from narrows.core.policy.finish import no_pseudonym
from narrows.core.policy.form import encode_bound
from narrows.core.policy.gather import gather_rows
from narrows.core.policy.model import AS_IS
from narrows.core.policy.views import describe
from narrows.core.terms import ColumnName, ColumnType, Digest, Holder, RelationName, Scalar
from narrows.node.release import released_with

KIND, NUMBER = ColumnName("t1_kind"), ColumnName("t1_number")
BOUND = BoundFragment(
    holder=Holder("city"),
    fragment=Digest(bytes(32)),
    policy_version=1,
    agreement="a",
    scans=(BoundScan("t1", RelationName("thing"), ()),),
    links=(),
    anchors=(),
    columns=tuple(
        ReleasedColumn(ColumnOf("t1", ColumnName(name)), kind, AS_IS, is_id=False)
        for name, kind in (("kind", ColumnType.TEXT), ("number", ColumnType.INTEGER))
    ),
    filters=(),
    outputs=(
        BoundOutput(KIND, ColumnOf("t1", ColumnName("kind")), ColumnType.TEXT),
        BoundOutput(NUMBER, ColumnOf("t1", ColumnName("number")), ColumnType.INTEGER),
    ),
    guard=Cap(9),
)
ROWS: list[tuple[Scalar, ...]] = [
    ("b", 3),
    ("a", None),
    ("b", -2),
    (None, 7),
    ("a", None),
    ("É", 7),
    ("b", 3),
]
FIGURES = (
    Measure("count"),
    Measure("count", NUMBER),
    Measure("max", NUMBER),
    Measure("min", NUMBER),
    Measure("sum", NUMBER),
)


def rows(bound: BoundFragment) -> list[tuple[Scalar, ...]]:
    return [row for row, _ in gather_rows(bound, ROWS)]


def test_rows_as_they_are_are_sorted() -> None:
    assert rows(BOUND)[:3] == [(None, 7), ("a", None), ("a", None)]
    assert gather_rows(BOUND, ROWS)[0] == ((None, 7), (3,))


def test_figures_are_of_each_group_and_leave_out_null() -> None:
    gather = Gather((KIND,), FIGURES)
    assert rows(replace(BOUND, gather=gather)) == [
        (None, 1, 1, 7, 7, 7),
        ("a", 2, 0, None, None, None),
        ("b", 3, 3, 3, -2, 4),
        ("É", 1, 1, 7, 7, 7),
    ]


def test_without_a_group_there_is_one_row_or_none() -> None:
    bound = replace(BOUND, gather=Gather((), FIGURES))
    assert rows(bound) == [(7, 5, 7, -2, 18)]
    assert gather_rows(bound, []) == []


def test_a_gathered_row_knows_what_it_is_made_of() -> None:
    made = dict(gather_rows(replace(BOUND, gather=Gather((KIND, NUMBER))), ROWS))
    assert made["b", 3] == (0, 6)
    assert made["a", None] == (1, 4)
    assert len(made) == 5


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ((TopKey(NUMBER), TopKey(KIND)), [("b", -2), ("b", 3), ("b", 3)]),
        ((TopKey(NUMBER, descending=True), TopKey(KIND)), [("b", 3), ("É", 7), (None, 7)]),
        (
            (TopKey(NUMBER, nulls_first=True), TopKey(KIND)),
            [("a", None), ("a", None), ("b", -2)],
        ),
        (
            (TopKey(NUMBER, descending=True), TopKey(KIND, nulls_first=True)),
            [(None, 7), ("b", 3), ("É", 7)],
        ),
        (
            (TopKey(KIND, descending=True), TopKey(NUMBER, descending=True)),
            [("b", 3), ("b", 3), ("É", 7)],
        ),
    ],
)
def test_the_first_of_an_order(keys: tuple[TopKey, ...], found: list[tuple[Scalar, ...]]) -> None:
    assert rows(replace(BOUND, top=Top(keys, 3))) == sorted(found, key=lambda row: row[0] or "")


def test_what_is_ranked_is_gathered_before() -> None:
    keys = (TopKey(KIND, descending=True), TopKey(NUMBER))
    bound = replace(BOUND, gather=Gather((KIND, NUMBER)), top=Top(keys, 3))
    assert rows(bound) == [("b", -2), ("b", 3), ("É", 7)]


def test_the_shape_is_part_of_what_gateway_and_node_compare() -> None:
    shaped = replace(BOUND, gather=Gather((KIND,), FIGURES[:1]))
    ranked = replace(shaped, top=Top((TopKey(KIND), TopKey(FIGURES[0].name)), 3))
    assert len({encode_bound(one) for one in (BOUND, shaped, ranked)}) == 3
    assert describe(BOUND) in describe(shaped)
    assert describe(ranked).endswith(
        "-- then one row for each t1_kind, with count(*)\n-- then the first 3 by t1_kind, count(*)"
    )


def test_what_is_released_comes_in_one_order_before_it_is_gathered() -> None:
    """Entries of one subject each stand in it: the order of the holder's disk would else show."""
    given: list[tuple[Scalar, ...]] = [(*row, True) for row in ROWS]
    found = released_with(BOUND, given, (), no_pseudonym)
    assert [one.row for one in found] == rows(BOUND)
    assert found == released_with(BOUND, given[::-1], (), no_pseudonym)
