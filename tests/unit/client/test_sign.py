"""What a client signs: every field is what was asked, and nothing stands open that should not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from narrows.client.question import Ask, make_ask, typed
from narrows.client.sign import ReceivedRows, sign_acknowledgements, sign_request
from narrows.core.answer import verify_acknowledgement
from narrows.core.ledger.receipt import Receipt, receipt_digest
from narrows.core.parameters import decode_parameters
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.request import check_openings, decode_header, signing_bytes
from narrows.core.terms import ColumnType, MemberName, RequestId, TypedValue
from narrows.errors import MalformedQuery, MalformedRequest
from narrows.store.keys import verify_signature
from tests.unit.serving.world import (
    CATALOG,
    GATEWAY,
    NOW,
    NSOR,
    REQUEST_KEYS,
    SQL,
    VPD,
    Clock,
    admitted,
    directory,
    question,
    requesting,
    sign,
)

MORE = {
    "purpose": "investigation",
    "officer": "O-4471",
    "case": "VA2026-104233",
    "grounds": "named by a witness",
    "unit": "homicide",
    "authority": "Act 16(2)",
    "approver": "sergeant",
    "agreement": "MOU-7",
    "partial": True,
    "deadline": 2.5,
}


def _ask(**changes: object) -> Ask:
    return make_ask(SQL, {"document": "ZZ123456"}, **{**MORE, **changes})  # type: ignore[arg-type]


def test_the_header_says_what_was_asked() -> None:
    found = sign_request(_ask(), requesting())
    header = decode_header(found.header)
    assert (header.agency, header.unit, header.purpose) == (VPD, "homicide", "investigation")
    assert (header.form, header.authority, header.partial) == ("lookup", "Act 16(2)", True)
    assert (header.deadline_ms, header.merge_at) == (2500, "gateway")
    audience = header.audience
    assert (audience.federation, audience.gateway) == ("canada", GATEWAY)
    assert (audience.catalog, audience.planner) == (CATALOG.digest, PLANNER_VERSION)
    assert header.issued_at == NOW + timedelta(milliseconds=1)
    assert header.expires_at - header.issued_at == timedelta(seconds=60)


def test_every_value_is_opened_and_no_value_stands_in_the_header() -> None:
    found = sign_request(_ask(), requesting())
    opened = {one.field: one.value for one in found.openings}
    assert opened["sql"] == SQL.encode()
    assert decode_parameters(opened["parameters"]) == typed({"document": "ZZ123456"})
    assert opened["officer"] == b"O-4471"
    assert opened["grounds"] == b"named by a witness"
    assert opened["case_number"] == b"VA2026-104233"
    assert opened["approver"] == b"sergeant"
    assert opened["agreement_reference"] == b"MOU-7"
    check_openings(found, decode_header(found.header), opened)
    for value in (b"ZZ123456", b"O-4471", b"witness", b"VA2026", b"sergeant", b"MOU-7", b"SELECT"):
        assert value not in found.header


def test_what_is_not_given_is_not_committed_to() -> None:
    found = sign()
    optional = decode_header(found.header).commitments.optional
    assert {name for name, digest in optional.items() if digest is not None} == {"officer"}
    assert {one.field for one in found.openings} == {"sql", "parameters", "fragments/0", "officer"}


def test_salts_and_nonces_are_drawn_once_for_each_field() -> None:
    found = sign_request(_ask(), requesting())
    assert {len(one.salt) for one in found.openings} == {32}
    assert len({one.salt for one in found.openings}) == len(found.openings)
    assert sign().id != sign().id


def test_the_key_of_the_agency_signs_and_it_is_let_in() -> None:
    assert admitted(sign()).header.agency == VPD


def test_a_ticket_and_emergency_stand_in_the_header() -> None:
    header = decode_header(sign_request(_ask(), requesting()).header)
    assert (header.ticket, header.emergency) == (None, False)
    asked = _ask(ticket="ab" * 16, emergency=True)
    header = decode_header(sign_request(asked, requesting()).header)
    assert (header.ticket, header.emergency) == ("ab" * 16, True)


def test_an_approver_signs_the_same_header_and_is_named() -> None:
    asked = _ask(approver="", sign_as="Sgt. A. Roy")
    found = sign_request(asked, requesting(), REQUEST_KEYS[VPD])
    assert [one.role for one in found.signatures] == ["agency", "approver"]
    assert found.opened("approver") == b"Sgt. A. Roy"
    key = REQUEST_KEYS[VPD].key.verifier.public_key
    assert verify_signature(key, signing_bytes(found.header), found.signatures[1].signature)
    assert sign_request(_ask(sign_as="x"), requesting()).opened("approver") == b"sergeant"


def test_the_day_of_a_request_is_that_of_the_federations_zone() -> None:
    """Just past midnight in UTC it is still the day before in Toronto."""
    sql = "SELECT v.plate FROM vehicle v WHERE v.plate = :document AND v.seen_on = CURRENT_DATE"
    late = Clock(datetime(2026, 6, 2, 1, tzinfo=UTC))
    found = sign_request(question(sql), requesting(clock=late))
    assert decode_header(found.header).issued_at.date() == date(2026, 6, 2)
    assert b"2026-06-01" in (found.opened("fragments/0") or b"")


def test_nothing_is_signed_for_a_question_that_does_not_plan() -> None:
    with pytest.raises(MalformedQuery):
        sign(question("SELECT nosuch FROM person p WHERE p.document = :document"))
    with pytest.raises(MalformedQuery):
        sign(question(parameters={}))


def test_values_get_their_canonical_types() -> None:
    found = typed({"a": "x", "b": 1, "c": True, "d": 1.5, "e": date(2026, 6, 1)})
    kinds = ("text", "bigint", "boolean", "double", "date")
    assert tuple(one.type for one in found.values()) == kinds
    kept = TypedValue(ColumnType.INTEGER, 1)
    assert typed({"a": kept}) == {"a": kept}
    with pytest.raises(MalformedRequest):
        typed({"a": None})


RECEIPTS = {name: Receipt(name.encode(), 0, (), b"note") for name in (GATEWAY, NSOR)}


RECEIVED = (
    ReceivedRows(GATEWAY, 3, RECEIPTS[GATEWAY]),
    ReceivedRows(MemberName(NSOR), 1, RECEIPTS[NSOR]),
)


def test_each_recipient_gets_an_acknowledgement_of_its_own() -> None:
    request, received_at = RequestId("ab" * 16), NOW - timedelta(seconds=3)
    found = sign_acknowledgements(request, RECEIVED, requesting(), received_at)
    assert [one.recipient for one in found] == [one.recipient for one in RECEIVED]
    for one, given in zip(found, RECEIVED, strict=True):
        said = verify_acknowledgement(one, directory(), verify_signature)
        assert (said.request, said.agency) == (request, VPD)
        assert (said.recipient, said.row_count) == (given.recipient, given.row_count)
        assert said.received_at == received_at
        assert said.receipt == receipt_digest(given.receipt)
        others = [other for other in RECEIVED if other is not given]
        assert not any(receipt_digest(o.receipt).hex().encode() in one.body for o in others)
    assert len({one.body for one in found}) == 2
