import pytest

from narrows.core.ledger.entry import Opening
from narrows.errors import CheckFailed
from narrows.store.records import (
    MAX_VALUE_BYTES,
    HeldBytes,
    encode_opening,
    encode_record,
    entry_records,
    read_entry,
    sealed_records,
)

OFFICER = Opening("officer", b"s" * 32, b"4471")


def test_entries_follow_one_another_as_in_a_bundle() -> None:
    data = b"".join(encode_record(entry) for entry in (b"one", b"x" * 65_535, b"three"))
    found = list(entry_records(HeldBytes(data)))
    assert [record.data for record in found] == [b"one", b"x" * 65_535, b"three"]
    assert data.startswith(b"\x00\x03one\xff\xff")
    assert read_entry(HeldBytes(data), found[2].offset, found[2].end) == b"three"


def test_a_scan_passes_over_the_border_of_its_window() -> None:
    data = encode_record(b"y" * 40_000) * 60
    assert len(data) > 2 * 2**20
    assert sum(1 for _ in entry_records(HeldBytes(data))) == 60


@pytest.mark.parametrize("tail", [b"\x00", b"\x00\x05", b"\x00\x05four", b"\x00\x00", b"\x00" * 99])
def test_a_scan_ends_before_what_is_no_whole_record(tail: bytes) -> None:
    data = encode_record(b"one") + tail
    assert [record.data for record in entry_records(HeldBytes(data))] == [b"one"]


def test_an_opening_comes_back() -> None:
    data = encode_opening(7, OFFICER) + encode_opening(8, Opening("sql", b"t" * 32, b""))
    first, second = sealed_records(HeldBytes(data))
    assert (first.index, first.is_erased, first.opening) == (7, False, OFFICER)
    assert (second.index, second.offset, second.end) == (8, first.end, len(data))
    assert list(sealed_records(HeldBytes(data), first.end)) == [second]


def test_openings_end_before_what_is_no_whole_record() -> None:
    good = encode_opening(7, OFFICER)
    for tail in (good[:10], good[:-1], b"\x02" + good[1:], good[:9] + b"\0" + good[10:]):
        assert len(list(sealed_records(HeldBytes(good + tail)))) == 1


def test_an_opening_that_is_too_long_is_not_written() -> None:
    for wrong in (
        Opening("f" * 256, b"s" * 32, b""),
        Opening("", b"s" * 32, b""),
        Opening("sql", b"s" * 32, bytes(MAX_VALUE_BYTES + 1)),
    ):
        with pytest.raises(CheckFailed):
            encode_opening(0, wrong)
