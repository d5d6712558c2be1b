"""What a notice says, and that one about nobody is as long."""

import pytest

from narrows.core.canonical import canonical_bytes
from narrows.core.ledger.notice import BLOCK_BYTES, NoticeText, decode_notice, encode_notice
from narrows.core.terms import Holder, MemberName
from narrows.errors import ProofInvalid

TEXT = NoticeText(MemberName("vpd"), "sex-crimes", "", Holder("spvm"), {"file.unit": "Mœurs"})


def test_a_notice_comes_back() -> None:
    assert decode_notice(encode_notice(TEXT)) == TEXT
    assert decode_notice(encode_notice(None)) is None


def test_hit_and_miss_are_of_one_length() -> None:
    assert len(encode_notice(TEXT)) == len(encode_notice(None)) == BLOCK_BYTES
    long = NoticeText(MemberName("vpd"), "u" * 200, "o" * 200, Holder("spvm"), {"a.b": "c" * 2000})
    assert len(encode_notice(long)) == 2 * BLOCK_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        encode_notice(TEXT)[:-1],
        encode_notice(TEXT).replace(b"/v1", b"/v2"),
        encode_notice(TEXT).replace(b"vpd", b"vp"),
        encode_notice(None).replace(b' "', b'"'),
        canonical_bytes({"v": "narrows/notice/v1", "pad": "", "more": 1}),
        canonical_bytes({"v": 1, "pad": ""}),
    ],
)
def test_what_is_no_notice_is_refused(data: bytes) -> None:
    with pytest.raises(ProofInvalid, match="notice"):
        decode_notice(data)
