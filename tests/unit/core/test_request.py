"""The published request format, its vector, and every way in which a request may be tampered."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from narrows.core.canonical import Json, canonical_bytes, commit
from narrows.core.request import (
    MAX_TEXT,
    OPTIONAL_FIELDS,
    Audience,
    Commitments,
    Header,
    Opening,
    Signature,
    SignedRequest,
    check_openings,
    committed_fields,
    decode_header,
    encode_header,
    request_id,
    signing_bytes,
)
from narrows.core.terms import Digest, MemberName, Purpose
from narrows.errors import CheckFailed, MalformedRequest
from narrows.store.keys import new_key

VECTOR = Path(__file__).parents[2] / "vectors" / "request" / "first.json"
VALUES = {
    "sql": "SELECT surname FROM person WHERE person_id = :who",
    "parameters": '{"who":{"type":"text","value":"nsor:9"}}',
    "fragments/0": "{}",
    "officer": "4471",
    "grounds": "linked to an open file",
    "case_number": "VA2026-104233",
}
OPENINGS = tuple(
    Opening(name, bytes([n]) * 32, value.encode()) for n, (name, value) in enumerate(VALUES.items())
)
BY_FIELD = {found.field: commit(found.field, found.salt, found.value) for found in OPENINGS}
HEADER = Header(
    nonce=bytes(range(16)),
    issued_at=datetime(2026, 6, 1, 12, tzinfo=UTC),
    expires_at=datetime(2026, 6, 1, 12, 1, tzinfo=UTC),
    agency=MemberName("vpd"),
    unit="sex-crimes",
    purpose=Purpose("sexual_crime_investigation"),
    form="lookup",
    authority="SOIRA 16(2)(a)",
    ticket=None,
    emergency=False,
    audience=Audience("canada", "gateway", Digest(bytes(32)), "1"),
    merge_at="gateway",
    partial=False,
    deadline_ms=10_000,
    commitments=Commitments(
        sql=BY_FIELD["sql"],
        parameters=BY_FIELD["parameters"],
        fragments=(BY_FIELD["fragments/0"],),
        optional={name: BY_FIELD.get(name) for name in OPTIONAL_FIELDS},
    ),
)
KEY = new_key("vpd.canada/request", seed=bytes(range(32)))


def signed() -> SignedRequest:
    header = encode_header(HEADER)
    signature = KEY.sign(signing_bytes(header))
    return SignedRequest(header, (Signature("agency", "any", "ed25519", signature),), OPENINGS)


def with_openings(*openings: Opening) -> SignedRequest:
    return replace(signed(), openings=openings)


def document() -> dict[str, Json]:
    found: dict[str, Json] = json.loads(encode_header(HEADER))
    return found


def inner(found: dict[str, Json], name: str) -> dict[str, Json]:
    part = found[name]
    assert isinstance(part, dict)
    return part


def test_the_published_vector_is_what_this_version_writes() -> None:
    vector = json.loads(VECTOR.read_text())
    request = signed()
    assert vector["header"] == request.header.decode()
    assert vector["signing_domain"] + vector["header"] == signing_bytes(request.header).decode()
    assert vector["public_key"] == KEY.verifier.public_key.hex()
    assert vector["signature"] == request.signatures[0].signature.hex()
    assert vector["request_id"] == request.id == request_id(request.header)
    assert vector["openings"] == [
        {
            "field": found.field,
            "salt": found.salt.hex(),
            "value": found.value.decode(),
            "commitment": BY_FIELD[found.field].hex(),
        }
        for found in OPENINGS
    ]


def test_the_vector_verifies_and_opens_from_its_own_text_alone() -> None:
    vector = json.loads(VECTOR.read_text())
    header = vector["header"].encode()
    message = signing_bytes(header)
    assert KEY.verifier.verify(message, bytes.fromhex(vector["signature"]))
    assert not KEY.verifier.verify(message + b" ", bytes.fromhex(vector["signature"]))
    openings = tuple(
        Opening(one["field"], bytes.fromhex(one["salt"]), one["value"].encode())
        for one in vector["openings"]
    )
    check_openings(SignedRequest(header, (), openings), decode_header(header), VALUES)


def test_a_header_comes_back_as_it_was() -> None:
    assert decode_header(encode_header(HEADER)) == HEADER
    bare = replace(HEADER, authority=None, ticket="t-1", emergency=True, partial=True)
    bare = replace(bare, commitments=replace(bare.commitments, fragments=()))
    assert decode_header(encode_header(bare)) == bare


def test_an_optional_commitment_that_is_left_out_is_null() -> None:
    short = replace(HEADER, commitments=replace(HEADER.commitments, optional={}))
    optional = decode_header(encode_header(short)).commitments.optional
    assert optional == dict.fromkeys(OPTIONAL_FIELDS)


TEXTS = ("v", "nonce", "issued_at", "expires_at", "agency", "unit", "purpose", "form", "merge_at")
WRONG: tuple[tuple[str, Json], ...] = (
    *((name, 1) for name in TEXTS),
    *((name, None) for name in TEXTS),
    ("v", "narrows/request/v2"),
    ("nonce", "00" * 15),
    ("nonce", "AA" * 16),
    ("issued_at", "2026-06-01T12:00:00Z"),
    ("issued_at", "2026-06-01T12:00:00.000000+00:00"),
    ("expires_at", "2026-02-30T12:00:00.000000Z"),
    ("authority", 1),
    ("ticket", False),
    ("emergency", 0),
    ("partial", None),
    ("deadline_ms", True),
    ("deadline_ms", "10000"),
    ("audience", None),
    ("audience", []),
    ("commitments", "none"),
)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_field_of_another_type_is_refused(name: str, value: Json) -> None:
    with pytest.raises(MalformedRequest):
        decode_header(canonical_bytes({**document(), name: value}))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("audience", "federation", None),
        ("audience", "gateway", 1),
        ("audience", "catalog", "00"),
        ("audience", "planner", 1),
        ("commitments", "sql", None),
        ("commitments", "parameters", "zz" * 32),
        ("commitments", "fragments", None),
        ("commitments", "fragments", ["00"]),
        ("commitments", "fragments", [1]),
        ("commitments", "officer", "00"),
        ("commitments", "grounds", 1),
    ],
)
def test_an_inner_field_of_another_type_is_refused(part: str, name: str, value: Json) -> None:
    found = document()
    with pytest.raises(MalformedRequest):
        decode_header(canonical_bytes({**found, part: {**inner(found, part), name: value}}))


@pytest.mark.parametrize("name", sorted(document()))
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    found = document()
    del found[name]
    with pytest.raises(MalformedRequest, match=name):
        decode_header(canonical_bytes(found))


@pytest.mark.parametrize("part", ["audience", "commitments"])
def test_every_inner_field_is_needed_and_none_is_added(part: str) -> None:
    found = document()
    for name in inner(found, part):
        fewer = {key: value for key, value in inner(found, part).items() if key != name}
        with pytest.raises(MalformedRequest, match=name):
            decode_header(canonical_bytes({**found, part: fewer}))
    more = {**inner(found, part), "extra": None}
    with pytest.raises(MalformedRequest, match="field of no published name"):
        decode_header(canonical_bytes({**found, part: more}))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="field of no published name"):
        decode_header(canonical_bytes({**document(), "extra": None}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header + b"\n",
        lambda header: header.replace(b":", b": ", 1),
        lambda _: b"[]",
        lambda _: b"",
        lambda header: header[:-1],
    ],
)
def test_another_spelling_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedRequest):
        decode_header(spoil(encode_header(HEADER)))


def test_openings_that_fit_are_taken() -> None:
    request = signed()
    check_openings(request, HEADER, ("sql", "parameters", "fragments/0"))
    assert request.text("officer") == "4471"
    assert request.opened("approver") is None
    assert request.text("approver") is None


def test_the_sql_may_stay_closed_where_it_is_not_required() -> None:
    closed = with_openings(*(found for found in OPENINGS if found.field != "sql"))
    check_openings(closed, HEADER, ("fragments/0",))
    with pytest.raises(CheckFailed, match="does not open `sql`"):
        check_openings(closed, HEADER, ("sql",))


@pytest.mark.parametrize("name", VALUES)
def test_each_opening_holds_its_value_and_its_salt(name: str) -> None:
    others = [found for found in OPENINGS if found.field != name]
    ours = next(found for found in OPENINGS if found.field == name)
    for changed in (replace(ours, value=ours.value + b"0"), replace(ours, salt=b"s" * 32)):
        with pytest.raises(CheckFailed, match=f"opening of `{name}` differs") as caught:
            check_openings(with_openings(*others, changed), HEADER, ())
        assert VALUES[name] not in str(caught.value)


def test_an_opening_cannot_pass_for_another_field() -> None:
    officer = next(found for found in OPENINGS if found.field == "officer")
    swapped = [
        replace(officer, field="grounds") if found.field == "grounds" else found
        for found in OPENINGS
    ]
    with pytest.raises(CheckFailed, match="`grounds` differs"):
        check_openings(with_openings(*swapped), HEADER, ())


@pytest.mark.parametrize("name", ["approver", "fragments/1", "nobody"])
def test_an_opening_without_a_commitment_is_refused(name: str) -> None:
    with pytest.raises(CheckFailed, match="does not commit"):
        check_openings(with_openings(*OPENINGS, Opening(name, bytes(32), b"x")), HEADER, ())


def test_an_opening_that_comes_twice_is_refused() -> None:
    with pytest.raises(CheckFailed, match="does not commit, or one twice"):
        check_openings(with_openings(*OPENINGS, OPENINGS[0]), HEADER, ())


def test_a_salt_of_another_length_is_refused() -> None:
    short = replace(OPENINGS[0], salt=b"s")
    with pytest.raises(MalformedRequest, match="salt of `sql`"):
        check_openings(with_openings(short, *OPENINGS[1:]), HEADER, ())


@pytest.mark.parametrize("name", ["officer", "grounds", "case_number"])
def test_what_policy_decides_on_is_open_even_where_nobody_requires_it(name: str) -> None:
    fewer = [found for found in OPENINGS if found.field != name]
    with pytest.raises(CheckFailed, match=f"does not open `{name}`"):
        check_openings(with_openings(*fewer), HEADER, ())


def test_an_opening_that_is_no_text_is_refused() -> None:
    bad = Opening("officer", bytes(32), b"\xff")
    optional = {**HEADER.commitments.optional, "officer": commit("officer", bad.salt, bad.value)}
    header = replace(HEADER, commitments=replace(HEADER.commitments, optional=optional))
    others = [found for found in OPENINGS if found.field != "officer"]
    with pytest.raises(CheckFailed, match="`officer` is not text"):
        check_openings(with_openings(*others, bad), header, ())


def test_every_commitment_is_known_by_its_field() -> None:
    assert committed_fields(HEADER.commitments) == BY_FIELD


@pytest.mark.parametrize("name", ["unit", "authority"])
def test_words_in_the_open_are_short(name: str) -> None:
    """Else a member could make an entry too long to be entered."""
    longest = {**document(), name: "x" * MAX_TEXT}
    decode_header(canonical_bytes(longest))
    with pytest.raises(MalformedRequest, match=f"`{name}` is longer"):
        decode_header(canonical_bytes({**longest, name: "x" * (MAX_TEXT + 1)}))
