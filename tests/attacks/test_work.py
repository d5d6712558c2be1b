"""No text of a requester or a gateway costs much to refuse: the work is bounded, hence the time.

A deadline is at least hundreds of milliseconds; half a million calls are about one of them. What
C code does in one call is bounded by the length of its text, and timed by `bench/refuse.py`.
"""

import pytest

from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.plan import plan
from narrows.core.sql import parse, scan
from narrows.errors import NarrowsError
from tests.attacks.corpus import MESSAGES, Attack, families, read_family
from tests.attacks.node_door import fragment_bytes
from tests.attacks.setting import CATALOG
from tests.attacks.work import MOST_CALLS, WITHOUT_END, TooMuchWork, metered

QUESTIONS = [attack for family in families() for attack in read_family(family)]
FRAGMENTS = read_family("fragments", MESSAGES)
MEGABYTE = 1_000_000
PIECES = (
    "a",
    "9",
    " ",
    "'",
    "(",
    ";",
    " AND 1=1",
    "'1',",
    "/* x */ ",
    "e\u0301",
    "date(1, ",
    "JOIN a ",
)


@pytest.mark.parametrize("attack", QUESTIONS, ids=str)
def test_a_question_is_planned_or_refused_with_little_work(attack: Attack) -> None:
    with metered(MOST_CALLS):
        try:
            plan(attack.text, {}, CATALOG, attack.form)
        except NarrowsError:
            return


@pytest.mark.parametrize("attack", FRAGMENTS, ids=str)
def test_a_fragment_is_read_or_refused_with_little_work(attack: Attack) -> None:
    data = fragment_bytes(attack)
    with metered(MOST_CALLS):
        try:
            decode_fragment(data, CATALOG)
        except NarrowsError:
            return


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_is_refused_unread(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: object) -> None:
        raise TooMuchWork

    monkeypatch.setattr(parse, "DuckDB", unread)
    monkeypatch.setattr(scan, "_WORD", None)
    text = "SELECT " + piece * (MEGABYTE // len(piece))
    with metered(100), pytest.raises(NarrowsError):
        plan(text, {}, CATALOG)
    with metered(100), pytest.raises(NarrowsError):
        decode_fragment(text.encode(), CATALOG)


def test_the_meter_stops_what_goes_on_and_on() -> None:
    def for_ever() -> None:
        while True:
            len(())

    with pytest.raises(TooMuchWork), metered(1_000):
        for_ever()


def test_without_the_bound_on_readings_a_short_text_would_take_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("narrows.core.sql.frugal.MOVES_BESIDE", 10**12)
    with pytest.raises(TooMuchWork), metered(MOST_CALLS):
        plan(WITHOUT_END, {}, CATALOG)
