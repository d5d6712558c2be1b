import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.ledger.entry import (
    MAX_ENTRY_BYTES,
    REVIEW,
    RULING,
    Draft,
    Entry,
    Kind,
    Opening,
    check_opening,
    check_rows,
    complete,
    decode_entry,
    encode_entry,
    rows_digest,
    rows_field,
    seal,
    tags_of,
)
from narrows.core.terms import RequestId
from narrows.errors import CheckFailed, MalformedRequest, ProofInvalid

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
REQUEST = RequestId("ab" * 16)
SEALED, OPENINGS = seal(
    {"officer": b"4471", "rows/0": rows_digest([b"batch"])},
    {"officer": b"1" * 32, "rows/0": b"2" * 32},
)
ENTRY = Entry("example.org/log", Kind.INTENT, NOON, REQUEST, {"purpose": "audit"}, SEALED)


def changed(**fields: Json) -> bytes:
    document: dict[str, Any] = json.loads(encode_entry(ENTRY))
    return canonical_bytes({**document, **fields})


def test_an_entry_is_spelled_in_one_way() -> None:
    assert encode_entry(ENTRY) == (
        b'{"kind":"intent","open":{"purpose":"audit"},"origin":"example.org/log",'
        b'"request":"abababababababababababababababab","sealed":{"officer":"'
        + SEALED["officer"].hex().encode()
        + b'","rows/0":"'
        + SEALED["rows/0"].hex().encode()
        + b'"},"time":"2026-06-01T12:00:00.000000Z","v":"narrows/entry/v1"}'
    )
    assert decode_entry(encode_entry(ENTRY)) == ENTRY


def test_times_are_spelled_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-5)))
    elsewhere = Entry("o", Kind.STARTED, there, None, {}, {})
    assert decode_entry(encode_entry(elsewhere)).time == NOON


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"not json",
        encode_entry(ENTRY) + b" ",
        encode_entry(ENTRY).replace(b":", b": ", 1),
        changed(v="narrows/entry/v2"),
        changed(extra=1),
        changed(origin=None),
        changed(open=[]),
        changed(kind="unheard of"),
        changed(kind=None),
        changed(time="2026-06-01T12:00:00Z"),
        changed(time="2026-02-30T12:00:00.000000Z"),
        changed(time=5),
        changed(request="AB" * 16),
        changed(request=5),
        changed(sealed=[]),
        changed(sealed={"officer": "00"}),
        changed(sealed={"officer": None}),
        changed(open={"text": "x" * MAX_ENTRY_BYTES}),
    ],
)
def test_anything_but_the_published_format_is_refused(data: bytes) -> None:
    with pytest.raises(ProofInvalid):
        decode_entry(data)


def test_an_entry_that_is_too_large_or_cannot_be_spelled_is_not_written() -> None:
    with pytest.raises(CheckFailed, match="65535"):
        encode_entry(Entry("o", Kind.INTENT, NOON, None, {"text": "x" * MAX_ENTRY_BYTES}, {}))
    with pytest.raises(MalformedRequest):
        encode_entry(Entry("o", Kind.INTENT, NOON, None, {"number": 2**60}, {}))


def test_tags_are_those_of_the_entry() -> None:
    tags = tags_of(encode_entry(ENTRY))
    assert (tags.kind, tags.request, tags.time) == (Kind.INTENT, REQUEST, NOON)
    assert tags.sealed == ("officer", "rows/0")
    for data in (b"", b"[]", b"{}", b"7", b"\xff", changed(sealed=None)):
        with pytest.raises(ProofInvalid):
            tags_of(data)


@pytest.mark.parametrize(
    ("opened", "ticket", "awaits"),
    [
        ({"asked": {"ticket": "cd" * 16}}, "cd" * 16, ""),
        ({"asked": {"ticket": None}}, None, ""),
        # What was refused for its ticket is entered all the same, and cites nothing.
        ({"asked": {"ticket": "t-1"}}, None, ""),
        ({"asked": None}, None, ""),
        ({"hold": {"role": "registrar"}}, None, RULING),
        ({"hold": None}, None, ""),
        ({"review_due": "2026-06-02T12:00:00.000000Z"}, None, REVIEW),
        ({"review_due": None}, None, ""),
    ],
)
def test_tags_say_what_is_cited_and_what_is_awaited(
    opened: dict[str, Json], ticket: str | None, awaits: str
) -> None:
    tags = tags_of(changed(open=opened))
    assert (tags.ticket, tags.awaits) == (ticket, awaits)


def test_an_opening_fits_only_its_own_field_salt_and_value() -> None:
    officer = OPENINGS[0]
    check_opening(ENTRY, officer)
    for wrong in (
        Opening("officer", officer.salt, b"4472"),
        Opening("officer", b"3" * 32, officer.value),
        Opening("rows/0", officer.salt, officer.value),
        Opening("grounds", officer.salt, officer.value),
    ):
        with pytest.raises(ProofInvalid) as refused:
            check_opening(ENTRY, wrong)
        assert wrong.value.decode() not in str(refused.value)


def test_rows_are_those_that_the_entry_speaks_of() -> None:
    check_rows(ENTRY, OPENINGS[1], [b"batch"])
    assert OPENINGS[1].field == rows_field(0)
    for batches in ([], [b"batch", b""], [b"bat", b"ch"], [b"other"]):
        with pytest.raises(ProofInvalid):
            check_rows(ENTRY, OPENINGS[1], batches)


def test_a_draft_is_completed_with_a_salt_for_each_field() -> None:
    salts = iter([b"1" * 32, b"2" * 32])
    draft = Draft(Kind.REFUSAL, REQUEST, {"reason": "none"}, {"sql": b"SELECT", "grounds": b"g"})
    entry, openings = complete(draft, "example.org/log", NOON, lambda: next(salts))
    assert [opening.field for opening in openings] == ["grounds", "sql"]
    assert len({opening.salt for opening in openings}) == 2
    for opening in openings:
        check_opening(entry, opening)
    assert b"SELECT" not in encode_entry(entry)
