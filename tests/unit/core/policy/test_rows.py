"""The reference meaning of a bound fragment: masks, three-valued logic, the cap, the order."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    Like,
    Link,
    Missing,
    Opposite,
    Slot,
)
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundOutput,
    BoundScan,
    Cap,
    ReleasedColumn,
)
from narrows.core.policy.finish import coarsen
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import AS_IS, Mask, MaskKind
from narrows.core.policy.rows import Tables, release_rows
from narrows.core.policy.truth import compare
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    Scalar,
    TypedValue,
)
from narrows.errors import AnswerTooLarge, CheckFailed

THING = RelationName("thing")
ID, NAME, BORN = (ColumnOf("t1", ColumnName(name)) for name in ("thing_id", "name", "born"))
HELD = ColumnOf("t1", HOLDER_COLUMN)
TEXT = ColumnType.TEXT
COLUMNS = (
    ReleasedColumn(BORN, ColumnType.DATE, Mask(MaskKind.YEAR), is_id=False),
    ReleasedColumn(HELD, TEXT, AS_IS, is_id=False),
    ReleasedColumn(NAME, TEXT, Mask(MaskKind.FIRST, 2), is_id=False),
    ReleasedColumn(ID, TEXT, AS_IS, is_id=True),
)
BOUND = BoundFragment(
    holder=Holder("nsor"),
    fragment=Digest(bytes(32)),
    policy_version=1,
    agreement="a",
    scans=(BoundScan("t1", THING, ()),),
    links=(),
    anchors=(),
    columns=COLUMNS,
    filters=(),
    outputs=tuple(
        BoundOutput(found.column.column, found.column, found.type)
        for found in (COLUMNS[1], COLUMNS[3], COLUMNS[2], COLUMNS[0])
    ),
    guard=Cap(3),
)


def row(number: str | None, name: str | None, born: date | None) -> dict[ColumnName, Scalar]:
    return {ID.column: number, NAME.column: name, BORN.column: born}


TABLES: Tables = {
    THING: [row("2", "Zoë", date(1981, 3, 7)), row("1", None, None), row(None, "Émile", None)]
}


def text(value: str | None) -> TypedValue:
    return TypedValue(TEXT, value)


def names(found: Filter, bound: BoundFragment = BOUND) -> list[Scalar]:
    return [one[2] for one in release_rows(replace(bound, filters=(found,)), TABLES)]


def test_rows_are_masked_prefixed_and_sorted_with_null_first() -> None:
    assert release_rows(BOUND, TABLES) == [
        ("nsor", None, "Ém", None),
        ("nsor", "nsor:1", None, None),
        ("nsor", "nsor:2", "Zo", date(1981, 1, 1)),
    ]


def test_two_zeros_have_one_order_whatever_that_of_the_rows() -> None:
    number = ReleasedColumn(BORN, ColumnType.DOUBLE, AS_IS, is_id=False)
    outputs = (BoundOutput(BORN.column, BORN, ColumnType.DOUBLE),)
    bound = replace(BOUND, columns=(number,), outputs=outputs)
    zeros: list[Scalar] = [0.0, -0.0, None]
    for values in (zeros, zeros[::-1]):
        rows = [{ID.column: None, NAME.column: None, BORN.column: value} for value in values]
        found = release_rows(bound, {THING: rows})
        assert [repr(one) for (one,) in found] == ["None", "-0.0", "0.0"]


def test_a_withheld_output_is_null() -> None:
    outputs = (replace(BOUND.outputs[2], withheld=True),)
    assert release_rows(replace(BOUND, outputs=outputs), TABLES) == [(None,)] * 3


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (AS_IS, "abc", "abc"),
        (Mask(MaskKind.NULL), "abc", None),
        (Mask(MaskKind.FIRST, 2), "abc", "ab"),
        (Mask(MaskKind.FIRST, 2), None, None),
        (Mask(MaskKind.YEAR), date(1981, 3, 7), date(1981, 1, 1)),
        (Mask(MaskKind.YEAR), datetime(1981, 3, 7, 9), datetime(1981, 1, 1)),  # noqa: DTZ001
        (Mask(MaskKind.YEAR), None, None),
    ],
)
def test_a_mask_keeps_the_type(mask: Mask, value: Scalar, shown: Scalar) -> None:
    assert coarsen(mask, value) == shown


IS_ZO, IS_EM = (Comparison("=", NAME, text(value)) for value in ("Zo", "Ém"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (IS_ZO, ["Zo"]),
        (Comparison("=", NAME, text("Zoë")), []),
        (Comparison("=", NAME, text(None)), []),
        (Opposite(IS_ZO), ["Ém"]),
        (Opposite(Opposite(IS_ZO)), ["Zo"]),
        (Missing(NAME), [None]),
        (Opposite(Missing(NAME)), ["Ém", "Zo"]),
        (AnyOf((IS_ZO, Missing(NAME))), [None, "Zo"]),
        (AnyOf((IS_ZO, IS_EM)), ["Ém", "Zo"]),
        (Opposite(AnyOf((IS_ZO, IS_EM))), []),
        (Every((IS_ZO, IS_EM)), []),
        (Opposite(Every((IS_ZO, IS_EM))), ["Ém", "Zo"]),
        (Every((IS_ZO, Opposite(Missing(NAME)))), ["Zo"]),
        (Among(NAME, (text("Zo"), text("Ém"))), ["Ém", "Zo"]),
        (Among(NAME, (text("Zo"), text(None))), ["Zo"]),
        (Opposite(Among(NAME, (text("Zo"), text(None)))), []),
        (Opposite(Among(NAME, (text("Zo"),))), ["Ém"]),
        (Like(NAME, text("_o")), ["Zo"]),
        (Like(NAME, text("Zoë%")), []),
        (Opposite(Like(NAME, text("z%"))), ["Ém", "Zo"]),
        (Comparison("is distinct from", NAME, text("Zo")), ["Ém", None]),
        (Comparison("is distinct from", NAME, text(None)), ["Ém", "Zo"]),
        (Comparison("is not distinct from", NAME, text("Zo")), ["Zo"]),
        (Comparison("is not distinct from", NAME, text(None)), [None]),
        (Opposite(Comparison("is not distinct from", NAME, text("Zo"))), ["Ém", None]),
        (Comparison("=", HELD, text("nsor")), ["Ém", None, "Zo"]),
        (Comparison("=", ID, text("nsor:2")), ["Zo"]),
        (Comparison("=", ID, text("2")), []),
    ],
)
def test_filters_follow_three_valued_logic_on_what_is_shown(
    found: Filter, expected: list[Scalar]
) -> None:
    assert names(found) == expected


@pytest.mark.parametrize(
    ("op", "truths"),
    [
        ("=", (False, True, False)),
        ("<>", (True, False, True)),
        ("<", (True, False, False)),
        ("<=", (True, True, False)),
        (">", (False, False, True)),
        (">=", (False, True, True)),
    ],
)
def test_comparisons(op: str, truths: tuple[bool, bool, bool]) -> None:
    assert tuple(compare(op, left, 2) for left in (1, 2, 3)) == truths
    assert compare(op, None, 2) is None
    assert compare(op, 2, None) is None


def test_what_is_no_comparison_fails() -> None:
    with pytest.raises(CheckFailed):
        compare("like", "a", "b")
    with pytest.raises(CheckFailed, match="without a value"):
        names(Comparison("=", NAME, Slot("who", TEXT)))


def test_the_cap_counts_before_filters() -> None:
    nothing = (Comparison("=", NAME, text("nobody")),)
    assert release_rows(replace(BOUND, filters=nothing), TABLES) == []
    with pytest.raises(AnswerTooLarge, match="more than the 2 rows"):
        release_rows(replace(BOUND, filters=nothing, guard=Cap(2)), TABLES)


def test_the_cap_counts_after_anchors() -> None:
    anchored = replace(BOUND, anchors=(Anchor(NAME, (text("Zoë"),)),), guard=Cap(1))
    assert [one[2] for one in release_rows(anchored, TABLES)] == ["Zo"]


@pytest.mark.parametrize(
    ("value", "count"), [("nsor:2", 1), ("2", 0), ("vpd:2", 0), ("nsor:3", 0), (None, 0)]
)
def test_an_anchor_on_an_id_names_its_holder(value: str | None, count: int) -> None:
    anchored = replace(BOUND, anchors=(Anchor(ID, (text(value),), is_id=True),))
    assert len(release_rows(anchored, TABLES)) == count


def test_links_join_on_raw_keys_and_null_joins_nothing() -> None:
    scans = (*BOUND.scans, BoundScan("t2", THING, ()))
    link = Link(ID, ColumnOf("t2", ID.column))
    assert len(release_rows(replace(BOUND, scans=scans, links=(link,)), TABLES)) == 2


def test_the_canonical_bytes_differ_where_anything_differs() -> None:
    others = (
        replace(BOUND, holder=Holder("vpd")),
        replace(BOUND, fragment=Digest(b"1" * 32)),
        replace(BOUND, policy_version=2),
        replace(BOUND, agreement="b"),
        replace(BOUND, scans=(BoundScan("t1", RelationName("other"), ()),)),
        replace(BOUND, links=(Link(ID, NAME),)),
        replace(BOUND, anchors=(Anchor(ID, (text("2"),)),)),
        replace(BOUND, anchors=(Anchor(ID, (text("2"),), is_id=True),)),
        replace(BOUND, columns=COLUMNS[1:]),
        replace(BOUND, columns=(replace(COLUMNS[0], mask=AS_IS), *COLUMNS[1:])),
        replace(BOUND, filters=(IS_ZO,)),
        replace(BOUND, filters=(Opposite(IS_ZO),)),
        replace(BOUND, outputs=BOUND.outputs[1:]),
        replace(BOUND, outputs=(replace(BOUND.outputs[0], withheld=True), *BOUND.outputs[1:])),
        replace(BOUND, guard=Cap(4)),
    )
    assert len({encode_bound(found) for found in (BOUND, *others)}) == len(others) + 1
    assert BOUND.released(NAME) == COLUMNS[2]
