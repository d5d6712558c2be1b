"""A federation in which one holder decides each request first, and the people who decide there."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from narrows.client.credential import RequestKey
from narrows.client.question import Ask, typed
from narrows.core.answer import Answer, HolderReport
from narrows.core.directory import Approver, DirectoryKey
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ruling import Ruling, Says, SignedRuling, encode_ruling, ruling_bytes
from narrows.core.terms import Holder, MemberName
from narrows.gateway.answer import answer
from narrows.node.case import NodeParts
from narrows.node.held import rule
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import open_ledger
from tests.system.federation import (
    CATALOG,
    NSOR,
    OSOR,
    POLICY,
    QUESTION,
    ROWS,
    VPD,
    Federation,
    Rows,
    Setting,
    federation,
    question,
)

CLOCKS = "urgent_hours: 2, routine_hours: 24, collect_hours: 8"
ONE = f"    held: {{{{by: duty registrar, {CLOCKS}}}}}\n"
TWO = f"    held: {{{{by: duty registrar, second: true, {CLOCKS}}}}}\n"
EMERGENCY = "    emergency: {{requires: [officer, grounds], review_hours: 24}}\n"
SIGNED = "    signed_by: [approver]\n"
PEOPLE = {
    name: RequestKey(new_key(name, seed=bytes([number]) * 32))
    for number, name in enumerate(("Tran", "Okafor", "Lang", "Roy", "Chan"), 1)
}
OF = {MemberName(NSOR): ("Tran", "Okafor"), MemberName(OSOR): ("Lang",), VPD: ("Roy", "Chan")}
APPROVERS = {
    member: tuple(
        Approver(name, DirectoryKey(PEOPLE[name].key.verifier.public_key)) for name in names
    )
    for member, names in OF.items()
}
OF_NSOR = f"{QUESTION} AND p.holder = 'nsor'"


def policy(*lines: str) -> str:
    """The golden policy for two classes of members, with these lines in its agreement."""
    place = "    purposes: [sexual_crime_investigation]\n"
    assert place in POLICY
    both = POLICY.replace("[municipal]", "[municipal, licensing]")
    return both.replace(place, place + "".join(lines))


@dataclass(slots=True)
class Holding:
    """A federation whose `nsor` holds, and what its people do."""

    all_of: Federation

    @property
    def node(self) -> NodeParts:
        """What the node is made of now."""
        return self.all_of.nodes[NSOR].parts

    async def put(
        self,
        ask: Ask | None = None,
        member: MemberName = VPD,
        approver: str = "",
    ) -> Answer:
        """The answer to a freshly signed question; without one, to the question of the tests."""
        key = PEOPLE[approver] if approver else None
        request = self.all_of.sign(ask or asking(), member, key)
        return await answer(request, member, self.all_of.gateway)

    async def rule(self, ticket: str, says: Says, person: str, holder: Holder = NSOR) -> Entry:
        """The entry of a ruling by that person."""
        receipt = await rule(signed(ticket, says, person, holder), self.node)
        return self.node.ledger.entry(receipt.index)

    async def restart(self) -> None:
        """Nothing, when the node has its ledger from the disk again, and remembers nothing else."""
        await self.node.ledger.close()
        clock = self.all_of.clock
        ledger = open_ledger(
            DiskFiles(self.all_of.folder / NSOR),
            self.all_of.ledger_keys[NSOR],
            clock=clock,
            salt=lambda: os.urandom(32),
        )
        local = self.all_of.nodes[NSOR]
        local.parts = replace(local.parts, ledger=ledger, in_flight=set())

    def entries(self, kind: Kind, holder: Holder = NSOR) -> list[Entry]:
        """The entries of one kind."""
        ledger = self.all_of.nodes[holder].parts.ledger
        found = [ledger.entry(index) for index in range(ledger.size)]
        return [entry for entry in found if entry.kind is kind]


def asking(**changes: object) -> Ask:
    """The question of these tests: the golden one, of `nsor` alone."""
    parameters = typed({"document": "ZZ123456"})
    return question(**{"sql": OF_NSOR, "parameters": parameters, **changes})  # type: ignore[arg-type]


def signed(ticket: str, says: Says, person: str, holder: Holder = NSOR) -> SignedRuling:
    """What that person signs."""
    key = PEOPLE[person]
    when = datetime(2026, 6, 1, 12, tzinfo=UTC)
    body = encode_ruling(Ruling(holder, ticket, says, key.key_id, when))  # type: ignore[arg-type]
    return SignedRuling(body, key.sign(ruling_bytes(body)))


def of_nsor(found: Answer) -> HolderReport:
    """What became of the question at `nsor`."""
    return next(report for report in found.holders if report.holder == NSOR)


@asynccontextmanager
async def holding(
    folder: Path,
    *lines: str,
    rows: Rows = ROWS,
) -> AsyncIterator[Holding]:
    """The federation, whose `nsor` has these lines in its agreement."""
    setting = Setting(CATALOG, policy(), {NSOR: policy(*lines)}, APPROVERS)
    async with federation(folder, rows, setting) as all_of:
        found = Holding(all_of)
        try:
            yield found
        finally:
            await found.node.ledger.close()
