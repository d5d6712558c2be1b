import pytest

from narrows.core.canonical import Json, canonical_bytes, commit, parse_canonical
from narrows.core.terms import ColumnType, digest_of
from narrows.errors import MalformedRequest


def test_keys_are_sorted_and_spaces_left_out() -> None:
    assert canonical_bytes({"b": [True, None, -1], "a": {"Z": "é\n\x01", "A": "/"}}) == (
        '{"a":{"A":"/","Z":"é\\n\\u0001"},"b":[true,null,-1]}'.encode()
    )


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1])
def test_whole_numbers_below_two_to_the_53_are_spelled(number: int) -> None:
    assert parse_canonical(canonical_bytes([number])) == [number]


@pytest.mark.parametrize(
    "document",
    [
        2**53,
        [-(2**53)],
        {"fraction": 0.5},
        {"é": 1},
        {"tab\t": 1},
        {"nested": [{"bytes": b""}]},
        "\ud800",
    ],
)
def test_what_readers_could_read_differently_is_not_spelled(document: Json) -> None:
    with pytest.raises(MalformedRequest):
        canonical_bytes(document)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b"1.0",
        b"1e3",
        b"NaN",
        b"-0",
        b'"\\u00e9"',
        b'"\\/"',
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"a":null}\n',
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_canonical(data)


def test_a_commitment_is_to_one_field_salt_and_value() -> None:
    salt = bytes(range(32))
    found = commit("officer", salt, b"4471")
    assert found == digest_of(b"narrows/commitment/v1/officer\n", salt, b"4471")
    assert found != commit("approver", salt, b"4471")
    assert found != commit("officer", salt[::-1], b"4471")
    assert found != commit("officer", salt, b"4472")


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_of_another_length_is_refused(salt: bytes) -> None:
    with pytest.raises(MalformedRequest, match="`officer`"):
        commit("officer", salt, b"4471")


def test_a_word_of_a_closed_list_is_spelled_as_text() -> None:
    assert canonical_bytes([ColumnType.TEXT]) == b'["text"]'


@pytest.mark.parametrize("text", [b"9007199254740992", b"-" + b"9" * 5_000, b"1.5", b"1e3"])
def test_a_number_that_another_reader_would_round_is_not_read(text: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_canonical(text)
