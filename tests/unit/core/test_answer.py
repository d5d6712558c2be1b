"""Outcomes that are gaps, and acknowledgements: their bytes, and who may have signed them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from narrows.core.answer import (
    Acknowledgement,
    Outcome,
    SignedAcknowledgement,
    acknowledgement_bytes,
    decode_acknowledgement,
    encode_acknowledgement,
    verify_acknowledgement,
)
from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.directory import Directory, DirectoryKey, DirectoryMember
from narrows.core.request import Signature
from narrows.core.terms import Digest, MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest, UnknownCaller

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VPD = MemberName("vpd")
KEY = DirectoryKey(b"\x01" * 32)
FOUND = Acknowledgement(RequestId("ab" * 16), VPD, MemberName("nsor"), 3, Digest(b"\x02" * 32), NOW)
BODY = encode_acknowledgement(FOUND)
GOOD = Signature("agency", KEY.key_id, "ed25519", KEY.raw + acknowledgement_bytes(BODY))
SIGNED = SignedAcknowledgement(FOUND.recipient, BODY, (GOOD,))
DIRECTORY = Directory(
    federation="canada",
    epoch=1,
    issued_at=NOW,
    expires_at=NOW + timedelta(days=1),
    catalog=Digest(b"\x03" * 32),
    auditors=frozenset(),
    members={VPD: DirectoryMember(VPD, "municipal", "CAN", (KEY,))},
    gateways={},
)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """A signature of these tests is key and message."""
    return signature == public_key + message


def test_what_a_holder_left_open_is_a_gap() -> None:
    whole = {Outcome.ANSWERED, Outcome.NOT_ASKED}
    assert {outcome for outcome in Outcome if not outcome.is_gap} == whole


def test_an_acknowledgement_comes_back_as_it_was() -> None:
    assert decode_acknowledgement(BODY) == FOUND
    assert verify_acknowledgement(SIGNED, DIRECTORY, verify) == FOUND


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", "narrows/acknowledgement/v2"),
        ("request", "ab"),
        ("receipt", "cd"),
        ("row_count", -1),
        ("row_count", "3"),
        ("row_count", True),
        ("received_at", "today"),
        ("more", 1),
    ],
)
def test_another_form_is_refused(name: str, value: str | int) -> None:
    fields = parse_canonical(BODY)
    assert isinstance(fields, dict)
    with pytest.raises(MalformedRequest):
        decode_acknowledgement(canonical_bytes({**fields, name: value}))


@pytest.mark.parametrize(
    "signature",
    [
        replace(GOOD, role="approver"),
        replace(GOOD, algorithm="none"),
        replace(GOOD, key_id="0" * 16),
        replace(GOOD, signature=b""),
    ],
)
def test_only_a_key_of_the_agency_signs(signature: Signature) -> None:
    signed = replace(SIGNED, signatures=(signature,))
    with pytest.raises(UnknownCaller):
        verify_acknowledgement(signed, DIRECTORY, verify)


def test_whoever_is_no_member_signs_nothing() -> None:
    with pytest.raises(UnknownCaller):
        verify_acknowledgement(SIGNED, replace(DIRECTORY, members={}), verify)


def test_what_is_signed_names_the_request() -> None:
    """Else what was said of one request could be entered beside another."""
    other = encode_acknowledgement(replace(FOUND, request=RequestId("cd" * 16)))
    with pytest.raises(UnknownCaller):
        verify_acknowledgement(replace(SIGNED, body=other), DIRECTORY, verify)


def test_an_acknowledgement_fits_the_recipient_on_its_cover() -> None:
    with pytest.raises(CheckFailed, match="than its cover says"):
        verify_acknowledgement(replace(SIGNED, recipient=MemberName("osor")), DIRECTORY, verify)
