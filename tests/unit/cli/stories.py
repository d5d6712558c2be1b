"""One request through every ledger, each step of which may be left out or go otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from narrows.cli.story import Ledger
from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.ledger.entry import Entry, Kind, check_opening
from narrows.core.ledger.parts import Decided
from narrows.core.ledger.receipt import Receipt, verify_receipt
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName
from narrows.serving.acknowledge import Given, enter_acknowledgements
from tests.unit.client.true_answer import Telling, intend, tell, true_telling
from tests.unit.serving.world import (
    GATEWAY,
    NSOR,
    OSOR,
    VERIFIERS,
    World,
    directory,
    requesting,
    sign,
)

ROLES = {GATEWAY: "gateway", NSOR: "member", OSOR: "member"}


@dataclass(frozen=True, slots=True)
class Told:
    """A request, and what an honest gateway would tell of it."""

    world: World
    request: SignedRequest
    telling: Telling

    @classmethod
    async def of(cls, world: World, intended: tuple[Decided, ...] | None = None) -> "Told":
        """A request that is entered as an intent, and that both nodes have answered."""
        request = sign()
        await intend(world, request, intended)
        return cls(world, request, await true_telling(world, request))

    async def finish(self, **lies: object) -> None:
        """The outcome and every acknowledgement; `lies` go into the outcome."""
        await self.outcome(**lies)
        await self.acknowledge_all()

    async def outcome(self, **lies: object) -> None:
        """The gateway's outcome, as it tells it."""
        told = replace(self.telling, **lies)  # type: ignore[arg-type]
        await tell(self.world, self.request, told)

    async def acknowledge_all(self, **counts: int) -> None:
        """Every acknowledgement; `counts` are those that are not the truth."""
        await self.acknowledge(GATEWAY, counts.get(GATEWAY, len(self.telling.rows)))
        for one in self.telling.holders:
            await self.acknowledge(one.holder, counts.get(one.holder, one.row_count))

    async def acknowledge(self, name: str, row_count: int) -> None:
        ledger = self.world.ledgers[name]
        kind = Kind.OUTCOME if name == GATEWAY else Kind.DISCLOSURE
        receipt = await ledger.receipt(ledger.size - 1)
        received = ReceivedRows(MemberName(name), row_count, receipt)
        received_at = self.world.clock()
        said = sign_acknowledgements(self.request.id, [received], requesting(), received_at)
        given = Given(ledger, MemberName(name), kind)
        await enter_acknowledgements(said, directory(), given)

    async def read(self, failures: Mapping[str, str] | None = None) -> list[Ledger]:
        """Every ledger as `narrows trace` reads it; `failures` are those that it could not."""
        found = []
        for name, role in ROLES.items():
            failure = (failures or {}).get(name, "")
            entries = () if failure else tuple([await self._entry(name, i) for i in self._of(name)])
            found.append(Ledger(MemberName(name), role, entries, failure))
        return found

    def _of(self, name: str) -> tuple[int, ...]:
        return self.world.ledgers[name].entries_of(self.request.id)

    async def _entry(self, name: str, index: int) -> tuple[Receipt, Entry, Mapping[str, bytes]]:
        ledger = self.world.ledgers[name]
        receipt = await ledger.receipt(index)
        entry = verify_receipt(receipt, VERIFIERS[name])
        openings = ledger.openings(index)
        for one in openings:
            check_opening(entry, one)
        return receipt, entry, {one.field: one.value for one in openings}
