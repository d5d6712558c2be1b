"""What waits to be told, until it is: alike whether anything was pointed at, and no longer."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.notice import NoticeText, encode_notice
from narrows.core.ledger.parts import Notice, draft
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.node.entering import NOTICE
from narrows.node.outbox import FETCHED, MOST, PUSHED, TAKEN, Outbox
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import Ledger, open_ledger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = new_key("spvm.canada/ledger", seed=b"k" * 32)
HOLDER, SPVM, VPD = Holder("spvm"), MemberName("spvm"), MemberName("vpd")
REQUEST = RequestId("ab" * 16)
TEXT = NoticeText(VPD, "sex-crimes", "4471", HOLDER, {"file.contact": "514-555-0142"})


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    found = open_ledger(
        DiskFiles(tmp_path / "ledger"), KEY, clock=lambda: NOON, salt=lambda: os.urandom(32)
    )
    yield found
    await found.close()


async def notify(ledger: Ledger, text: NoticeText | None = TEXT) -> int:
    part = Notice(VPD, "deconfliction", 0, 0 if text is None else 1)
    return await ledger.append(draft(part, REQUEST, {NOTICE: encode_notice(text)}))


async def notify_erased(ledger: Ledger) -> int:
    return await ledger.append(draft(Notice(VPD, "deconfliction", 0, 1), REQUEST, {}))


@dataclass
class Counting:
    """A ledger that counts which entries were looked at."""

    inner: Ledger
    looks: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def entry(self, index: int) -> Entry:
        self.looks += 1
        return self.inner.entry(index)


@pytest.mark.parametrize("text", [TEXT, None])
async def test_the_ledger_grows_alike_whether_anything_was_pointed_at(
    ledger: Ledger, text: NoticeText | None
) -> None:
    await notify(ledger, text)
    outbox = Outbox(ledger, HOLDER)
    sizes = []
    for _ in range(2):
        for member in (VPD, SPVM):
            items = await outbox.fetch(member)
            sizes.append(ledger.size)
            assert await outbox.take([one.index for one in items], member) == len(items)
            sizes.append(ledger.size)
    assert sizes == [2, 3, 4, 5, 5, 5, 5, 5]
    hows = [ledger.entry(one).open["how"] for one in ledger.entries_of_kind(Kind.DELIVERY)]
    assert hows == [FETCHED, TAKEN, FETCHED, TAKEN]
    # Another process would see the same.
    assert Outbox(ledger, HOLDER).waiting(VPD, TAKEN) == []


async def test_what_is_erased_does_not_keep_the_others_waiting(ledger: Ledger) -> None:
    for _ in range(MOST):
        await notify_erased(ledger)
        await notify(ledger, None)
    last = await notify(ledger)
    for member in (VPD, SPVM):
        assert [one.index for one in await Outbox(ledger, HOLDER).fetch(member)] == [last]


async def test_no_more_are_given_at_a_time_than_that(ledger: Ledger) -> None:
    indexes = [await notify(ledger) for _ in range(MOST + 1)]
    outbox = Outbox(ledger, HOLDER)
    assert [one.index for one in await outbox.fetch(VPD)] == indexes[:MOST]
    assert await outbox.take(indexes[:MOST], VPD) == MOST
    assert [one.index for one in await outbox.fetch(VPD)] == indexes[MOST:]


async def test_what_was_delivered_is_not_looked_at_again(ledger: Ledger) -> None:
    for text in (TEXT, None, TEXT):
        await notify(ledger, text)
    counting = Counting(ledger)
    outbox = Outbox(counting, HOLDER)  # type: ignore[arg-type]
    for member, how in ((VPD, FETCHED), (VPD, TAKEN), (SPVM, TAKEN), (SPVM, PUSHED)):
        await outbox.deliver(outbox.waiting(member, how), member, how)
    assert outbox.waiting(VPD, TAKEN) == outbox.waiting(SPVM, PUSHED) == []
    # Taken unfetched is not fetched any more either; nothing is kept.
    assert not any(outbox._waiting.values())
    assert outbox._silent == set()
    before = counting.looks
    assert outbox.waiting(SPVM, PUSHED) == []
    assert counting.looks == before


async def test_nothing_waits_to_be_pushed_nowhere(ledger: Ledger) -> None:
    index = await notify(ledger)
    assert Outbox(ledger, HOLDER, is_pushed=False).waiting(SPVM, PUSHED) == []
    # Once there is a webhook, what came before is pushed as well.
    assert Outbox(ledger, HOLDER).waiting(SPVM, PUSHED) == [index]
