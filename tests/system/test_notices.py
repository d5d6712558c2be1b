"""Pointers under the duty to notify: no silent hit, and nothing else that tells a hit from a miss."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.core.answer import Answer
from narrows.core.ledger.entry import Draft, Entry, Kind
from narrows.core.ledger.notice import decode_notice
from narrows.core.terms import MemberName
from narrows.errors import LedgerUnavailable, MalformedRequest
from narrows.node.outbox import FETCHED, TAKEN, Outbox
from narrows.store.ledger import Ledger
from tests.system.federation import (
    CATALOG,
    DESK,
    NSOR,
    VPD,
    Federation,
    Setting,
    about,
    federation,
    question,
)
from tests.system.test_walk import rows

HIT, HIDDEN, MISS = "ZZ123456", "ZZ654321", "ZZ000000"
POINTING = """
agency: {holder}
version: 1
effective: 2026-03-26
never:
  - rows: {{person: {{record_status: {{in: [SUSPENDED, SEALED]}}}}}}
    because: Criminal Records Act s.6
agreements:
  - id: deconfliction
    authority: Police Act
    with: {{classes: [municipal]}}
    purposes: [sexual_crime_investigation]
    valid: {{from: 2026-03-26}}
    pointer:
      by: [[identifier.ident_value]]
      at_most: {{literals: 1}}
      link: [person, identifier]
      show: {{person: {{surname: as is, residence_postal: first 3}}}}
      first_by: [person.person_id]
      duty: notify
"""
SQL = """
SELECT p.holder FROM person p JOIN identifier i USING (holder, person_id)
WHERE i.ident_value = :document AND p.holder = 'nsor'
"""


def pointing(all_of: Federation) -> Ledger:
    return all_of.nodes[NSOR].parts.ledger


async def point(all_of: Federation, document: str, sql: str = SQL) -> Answer:
    asked = about(document)
    return await all_of.ask(replace(asked, sql=sql, form="pointer"))


def entries(ledger: Ledger, found: Answer) -> list[Entry]:
    return [ledger.entry(index) for index in ledger.entries_of(found.request)]


async def test_a_hit_is_entered_for_both_units_before_the_disclosure(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, POINTING)) as all_of:
        found = await point(all_of, HIT)
        assert rows(found) == [("nsor",)]
        ledger = pointing(all_of)
        notice, disclosure = ledger.entries_of(found.request)
        assert notice + 1 == disclosure
        entry = ledger.entry(notice)
        assert entry.kind is Kind.NOTICE
        assert entry.open == {
            "agency": "vpd", "agreement": "deconfliction", "fragment": 0, "notice_count": 1,
        }  # fmt: skip
        (opening,) = ledger.openings(notice)
        text = decode_notice(opening.value)
        assert text is not None
        # The columns that the pointer shows, through their masks, though none was asked for.
        assert (text.requester, text.unit, text.officer) == ("vpd", "sex-crimes", "officer-4471")
        assert text.holder == "nsor"
        assert text.pointer == {"person.surname": "Tremblay", "person.residence_postal": "M4C"}


async def test_hidden_and_absent_leave_the_same_and_as_many_entries_as_a_hit(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, POINTING)) as all_of:
        ledger = pointing(all_of)
        sizes, shapes = [], []
        for document in (HIT, HIDDEN, MISS):
            before = ledger.size
            found = await point(all_of, document)
            assert found.row_count == (1 if document == HIT else 0)
            sizes.append(ledger.size - before)
            mine = [
                (
                    ledger.entry(index).kind,
                    sorted(ledger.entry(index).open),
                    len(ledger.entry_bytes(index)),
                    [(one.field, len(one.value)) for one in ledger.openings(index)],
                )
                for index in ledger.entries_of(found.request)
            ]
            shapes.append(mine)
        assert sizes == [2, 2, 2]
        assert shapes[1] == shapes[2]
        # A hit says so in its row and its counts; its entries are as many and as long.
        assert [one[2:] for one in shapes[0]] == [one[2:] for one in shapes[1]]
        hidden = [one.open for one in entries(ledger, await point(all_of, HIDDEN))]
        absent = [one.open for one in entries(ledger, await point(all_of, MISS))]
        assert hidden[0] == absent[0]


async def test_a_pointer_without_its_contact_relation_is_refused(tmp_path: Path) -> None:
    sql = "SELECT i.holder FROM identifier i WHERE i.ident_value = :document"
    async with federation(tmp_path, setting=Setting(CATALOG, POINTING)) as all_of:
        found = await point(all_of, HIT, sql)
        assert {one.outcome.value for one in found.holders} == {"refused"}
        assert "tells both units" in found.holders[0].reasons[0]


@dataclass
class FailingLedger:
    """A ledger whose disk fails at the first append that holds a notice."""

    inner: Ledger
    seen: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    async def append_all(self, drafts: tuple[Draft, ...]) -> tuple[int, ...]:
        if any(one.kind is Kind.NOTICE for one in drafts):
            self.seen += 1
            raise LedgerUnavailable("the disk fails")
        return await self.inner.append_all(drafts)

    async def append(self, draft: Draft) -> int:
        return (await self.append_all((draft,)))[0]


@pytest.mark.parametrize("document", [HIT, MISS])
async def test_without_a_durable_notice_nothing_leaves(tmp_path: Path, document: str) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, POINTING)) as all_of:
        node = all_of.nodes[NSOR]
        failing = FailingLedger(node.parts.ledger)
        node.parts = replace(node.parts, ledger=failing)  # type: ignore[arg-type]
        found = await point(all_of, document)
        assert failing.seen == 1
        assert found.row_count == 0
        assert found.holders[0].outcome.value == "unavailable"
        assert found.holders[0].receipt is None
        assert failing.inner.entries_of(found.request) == ()


async def test_each_of_the_two_members_fetches_and_takes_its_own(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, POINTING)) as all_of:
        ledger = pointing(all_of)
        outbox = Outbox(ledger, NSOR)
        assert await outbox.fetch(VPD) == ()
        hit = await point(all_of, HIT)
        await point(all_of, MISS)
        for member in (VPD, MemberName(NSOR)):
            (item,) = await outbox.fetch(member)
            assert (item.request, item.text.requester) == (hit.request, "vpd")
        assert await outbox.fetch(DESK) == ()
        (index,) = ledger.entries_of_kind(Kind.NOTICE)[:1]
        with pytest.raises(MalformedRequest, match="no such notice"):
            await outbox.take((index,), DESK)
        with pytest.raises(MalformedRequest, match="no such notice"):
            await outbox.take((index, 10_000), VPD)
        # The notice of the miss is nobody's.
        with pytest.raises(MalformedRequest, match="no such notice"):
            await outbox.take((ledger.entries_of_kind(Kind.NOTICE)[1],), VPD)
        assert await outbox.take((index,), VPD) == 1
        assert await outbox.take((index,), VPD) == 0
        assert await outbox.fetch(VPD) == ()
        (still,) = await outbox.fetch(MemberName(NSOR))
        assert still.index == index
        deliveries = [ledger.entry(one).open for one in ledger.entries_of_kind(Kind.DELIVERY)]
        assert [(one["member"], one["how"]) for one in deliveries] == [
            ("vpd", FETCHED), ("nsor", FETCHED), ("vpd", TAKEN),
        ]  # fmt: skip
        # Another process would see the same.
        again = Outbox(ledger, NSOR)
        assert await again.fetch(VPD) == ()
        assert [one.index for one in await again.fetch(MemberName(NSOR))] == [index]


async def test_a_lookup_under_another_agreement_tells_nobody(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        await all_of.ask(question())
        assert pointing(all_of).entries_of_kind(Kind.NOTICE) == ()
