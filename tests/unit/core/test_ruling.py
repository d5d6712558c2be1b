"""What a named person at a holder decides: its bytes, and who may have signed it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.directory import Approver, DirectoryKey, DirectoryMember
from narrows.core.ruling import (
    Ruling,
    Says,
    SignedRuling,
    decode_ruling,
    encode_ruling,
    ruling_bytes,
    verify_ruling,
)
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest, UnknownCaller

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAN, OKAFOR = (Approver(name, DirectoryKey(bytes([n]) * 32)) for n, name in enumerate("TO", 1))
NSOR = DirectoryMember(MemberName("nsor"), "federal", "CAN", (), approvers=(OKAFOR, TRAN))
FOUND = Ruling(Holder("nsor"), RequestId("ab" * 16), Says.APPROVE, TRAN.key.key_id, NOW)
BODY = encode_ruling(FOUND)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """A signature of these tests is key and message."""
    return signature == public_key + message


def sign(found: Ruling, person: Approver = TRAN) -> SignedRuling:
    body = encode_ruling(found)
    return SignedRuling(body, person.key.raw + ruling_bytes(body))


@pytest.mark.parametrize("says", list(Says))
def test_a_ruling_comes_back_as_it_was_with_the_person_who_signed(says: Says) -> None:
    found = replace(FOUND, says=says)
    assert decode_ruling(encode_ruling(found)) == found
    assert verify_ruling(sign(found), NSOR, verify) == (found, TRAN)


def test_reviews_are_of_emergency_use_and_decisions_of_what_is_held() -> None:
    assert [one for one in Says if one.is_review] == [Says.JUSTIFIED, Says.UNJUSTIFIED]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", "narrows/ruling/v2"),
        ("request", "ab"),
        ("says", "perhaps"),
        ("key_id", "zz"),
        ("ruled_at", "today"),
        ("ruled_at", 7),
        ("more", "1"),
    ],
)
def test_any_other_form_is_refused(name: str, value: str | int) -> None:
    fields = parse_canonical(BODY)
    assert isinstance(fields, dict)
    with pytest.raises(MalformedRequest):
        decode_ruling(canonical_bytes({**fields, name: value}))


def test_a_forged_ruling_is_refused() -> None:
    good = sign(FOUND)
    for forged in (
        replace(good, signature=b""),
        sign(FOUND, OKAFOR),  # another person's key than the ruling names
        replace(good, body=encode_ruling(replace(FOUND, says=Says.DENY))),
        sign(replace(FOUND, key_id="0" * 16)),
        SignedRuling(BODY, TRAN.key.raw + BODY),  # without the domain
    ):
        with pytest.raises(UnknownCaller, match="nobody whom the directory names"):
            verify_ruling(forged, NSOR, verify)


def test_a_ruling_for_another_holder_is_refused() -> None:
    with pytest.raises(CheckFailed, match="another holder"):
        verify_ruling(sign(replace(FOUND, holder=Holder("osor"))), NSOR, verify)
