from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from narrows.core.terms import (
    MEMBER_NAME,
    NAME,
    ColumnType,
    Scalar,
    TypedValue,
    digest_of,
    parse_value,
    type_of,
)
from narrows.errors import MalformedRequest

SPELLINGS: list[tuple[ColumnType, Scalar, str | None]] = [
    (ColumnType.TEXT, "é", "é"),
    (ColumnType.TEXT, "", ""),
    (ColumnType.BOOLEAN, True, "true"),
    (ColumnType.BOOLEAN, False, "false"),
    (ColumnType.INTEGER, -(2**31), "-2147483648"),
    (ColumnType.INTEGER, 2**31 - 1, "2147483647"),
    (ColumnType.BIGINT, 2**63 - 1, "9223372036854775807"),
    (ColumnType.DOUBLE, 0.1, "0.1"),
    (ColumnType.DOUBLE, -0.0, "-0.0"),
    (ColumnType.DATE, date(1, 1, 1), "0001-01-01"),
    (ColumnType.DATE, date(9999, 12, 31), "9999-12-31"),
    (ColumnType.TIMESTAMP, datetime(1981, 3, 7, 1, 2, 3, 4), "1981-03-07T01:02:03.000004"),  # noqa: DTZ001
    (ColumnType.TIMESTAMP, datetime(1, 1, 1), "0001-01-01T00:00:00.000000"),  # noqa: DTZ001
    (ColumnType.DATE, None, None),
]


@pytest.mark.parametrize(("kind", "value", "text"), SPELLINGS)
def test_a_value_has_one_spelling_and_comes_back(
    kind: ColumnType, value: Scalar, text: str | None
) -> None:
    assert TypedValue(kind, value).text == text
    assert parse_value(kind, text) == TypedValue(kind, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ColumnType.TEXT, "e\u0301"),
        (ColumnType.BOOLEAN, "True"),
        (ColumnType.BOOLEAN, "1"),
        (ColumnType.INTEGER, "2147483648"),
        (ColumnType.INTEGER, "07"),
        (ColumnType.INTEGER, " 7"),
        (ColumnType.INTEGER, "٧"),
        (ColumnType.INTEGER, "seven"),
        (ColumnType.BIGINT, "9223372036854775808"),
        (ColumnType.DOUBLE, "inf"),
        (ColumnType.DOUBLE, "nan"),
        (ColumnType.DOUBLE, "1"),
        (ColumnType.DATE, "1981-3-7"),
        (ColumnType.DATE, "1981-02-30"),
        (ColumnType.DATE, "19810307"),
        (ColumnType.TIMESTAMP, "1981-03-07"),
        (ColumnType.TIMESTAMP, "1981-03-07T01:02:03.000004Z"),
    ],
)
def test_another_spelling_is_refused_and_not_repeated(kind: ColumnType, text: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse_value(kind, text)
    assert text == "1" or text not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, ColumnType.BOOLEAN),
        (1, ColumnType.BIGINT),
        (1.5, ColumnType.DOUBLE),
        ("x", ColumnType.TEXT),
        (date(2026, 6, 1), ColumnType.DATE),
        (datetime(2026, 6, 1), ColumnType.TIMESTAMP),  # noqa: DTZ001
    ],
)
def test_a_parameter_has_the_type_of_its_value(value: Scalar, kind: ColumnType) -> None:
    assert type_of(value) is kind


@pytest.mark.parametrize("value", [None, datetime(2026, 6, 1, tzinfo=UTC)])
def test_a_parameter_without_a_type_is_refused(value: Scalar) -> None:
    with pytest.raises(MalformedRequest):
        type_of(value)


def test_types_compare_with_themselves_and_whole_numbers_with_each_other() -> None:
    for one in ColumnType:
        for two in ColumnType:
            alike = one is two or {one, two} == {ColumnType.INTEGER, ColumnType.BIGINT}
            assert one.compares_with(two) is alike


def test_names_are_what_every_engine_takes() -> None:
    for name in ("person", "p2", "a" * 63):
        assert NAME.fullmatch(name)
    for name in ("", "2p", "Person", "a-b", "a" * 64, "é"):
        assert not NAME.fullmatch(name)
    assert MEMBER_NAME.fullmatch("us-angel-watch")


def test_a_digest_is_of_the_parts_one_after_another() -> None:
    assert digest_of(b"ab", b"", b"c") == sha256(b"abc").digest()
