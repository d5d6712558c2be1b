"""The places of sealed parts, and the opening that comes last."""

from dataclasses import replace

import pytest

from narrows.core.ledger.entry import Opening
from narrows.core.sealed import (
    Place,
    decode_opening,
    encode_opening,
    sealed_digest,
)
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.errors import ProofInvalid

PLACE = Place(RequestId("0f" * 16), Holder("nsor"), 2, MemberName("vpd"), "ab" * 8, 1, 3)
OPENING = Opening("rows/2", b"\x01" * 32, b"\x02" * 32)


def test_a_place_is_spelled_as_published() -> None:
    assert PLACE.info == (
        b"narrows/sealed/v1\n"
        b'{"fragment":2,"holder":"nsor","key":"abababababababab","part":1,"parts":3,'
        b'"recipient":"vpd","request":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}'
    )
    assert PLACE.of(0, 2) == replace(PLACE, part=0, parts=2)


@pytest.mark.parametrize(
    "change",
    [
        {"request": RequestId("0e" * 16)},
        {"holder": Holder("osor")},
        {"fragment": 1},
        {"recipient": MemberName("sq")},
        {"key_id": "cd" * 8},
        {"part": 0},
        {"parts": 4},
    ],
)
def test_no_two_places_are_spelled_alike(change: dict[str, object]) -> None:
    assert replace(PLACE, **change).info != PLACE.info  # type: ignore[arg-type]


def test_the_digest_is_of_the_parts_and_where_they_end() -> None:
    digests = {sealed_digest(parts) for parts in ([], [b"ab"], [b"a", b"b"], [b"b", b"a"], [b""])}
    assert len(digests) == 5


def test_an_opening_comes_back() -> None:
    assert decode_opening(encode_opening(OPENING)) == OPENING


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"field":"rows/2","salt":"01"}',
        b'{"field":"rows/2","more":1,"salt":"01","value":"02"}',
        b'{"field":"rows/2","salt":"0","value":"02"}',
        b'{"field":"rows/2","salt":"01","value":"0G"}',
        b'{"field":2,"salt":"01","value":"02"}',
    ],
)
def test_what_is_no_opening_is_refused(data: bytes) -> None:
    with pytest.raises(ProofInvalid, match="no opening"):
        decode_opening(data)
