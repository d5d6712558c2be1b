"""Parameters come back as they were; what is not the published form is refused."""

from datetime import date, datetime

import pytest

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.parameters import MAX_PARAMETERS, decode_parameters, encode_parameters
from narrows.core.terms import ColumnType, TypedValue
from narrows.errors import MalformedRequest

VALUES = {
    "doc": TypedValue(ColumnType.TEXT, "ZZ123456"),
    "born": TypedValue(ColumnType.DATE, date(1981, 3, 7)),
    "at": TypedValue(ColumnType.TIMESTAMP, datetime(2026, 6, 1, 12)),  # noqa: DTZ001
    "count": TypedValue(ColumnType.BIGINT, 2**62),
    "small": TypedValue(ColumnType.INTEGER, -1),
    "share": TypedValue(ColumnType.DOUBLE, 0.5),
    "open": TypedValue(ColumnType.BOOLEAN, value=True),
    "none": TypedValue(ColumnType.TEXT, None),
}


def test_parameters_come_back_as_they_were() -> None:
    assert decode_parameters(encode_parameters(VALUES)) == VALUES
    assert decode_parameters(b"{}") == {}


def test_the_order_of_parameters_is_no_part_of_their_bytes() -> None:
    assert encode_parameters(VALUES) == encode_parameters(dict(reversed(VALUES.items())))


def many(count: int) -> bytes:
    return encode_parameters({f"p{n}": VALUES["doc"] for n in range(count)})


def test_as_many_parameters_as_the_cap_are_taken_and_no_more() -> None:
    assert len(decode_parameters(many(MAX_PARAMETERS))) == MAX_PARAMETERS
    with pytest.raises(MalformedRequest):
        decode_parameters(many(MAX_PARAMETERS + 1))


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"Doc": {"type": "text", "value": "a"}},
        {"": {"type": "text", "value": "a"}},
        {"doc": "a"},
        {"doc": {"type": "text"}},
        {"doc": {"type": "text", "value": "a", "more": 1}},
        {"doc": {"type": "blob", "value": "a"}},
        {"doc": {"type": 1, "value": "a"}},
        {"doc": {"type": ["text"], "value": "a"}},
        {"doc": {"type": "bigint", "value": 1}},
        {"doc": {"type": "bigint", "value": "01"}},
        {"doc": {"type": "integer", "value": "2147483648"}},
        {"doc": {"type": "date", "value": "2026-02-30"}},
        {"doc": {"type": "double", "value": "inf"}},
        {"doc": {"type": "boolean", "value": "yes"}},
        {"doc": {"type": "text", "value": "e\u0301"}},
    ],
)
def test_what_is_not_the_published_form_is_refused(document: Json) -> None:
    with pytest.raises(MalformedRequest):
        decode_parameters(canonical_bytes(document))


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode_parameters(b'{"born":{"type":"date","value":"ZZ123456"}}')
    assert "ZZ123456" not in str(caught.value)


def test_another_spelling_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        decode_parameters(encode_parameters(VALUES) + b" ")
