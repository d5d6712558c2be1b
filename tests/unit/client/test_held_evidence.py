"""What a requester believes of a held request: only what the holder's own ledger says."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.acknowledging import _received
from narrows.client.evidence import verify_answer
from narrows.core.answer import Answer, HolderReport, Outcome
from narrows.core.entries import asked as asked_part
from narrows.core.ledger.parts import Held, HoldTerms, Refusal, draft
from narrows.core.ledger.receipt import Receipt
from narrows.core.request import SignedRequest
from narrows.core.terms import Holder
from narrows.errors import ProofInvalid
from tests.unit.client.true_answer import (
    ROWS,
    Telling,
    decision_of,
    disclose,
    expecting,
    report,
    tell,
)
from tests.unit.serving.world import (
    CATALOG,
    GATEWAY,
    NSOR,
    OSOR,
    World,
    admitted,
    opened_world,
    question,
    sign,
)

WHY = "held for the registrar"


async def hold(world: World, holder: Holder, request: SignedRequest, verdict: str) -> Receipt:
    """The receipt of a node that entered that it holds the request, or refused it."""
    decision = replace(decision_of(holder, request), decision=verdict, reason=WHY)
    part: Held | Refusal = Held(
        asked=asked_part(admitted(request)),
        recipient=admitted(request).header.agency,
        via=GATEWAY,
        catalog=CATALOG.digest,
        decisions=(decision,),
        hold=HoldTerms("registrar", second=False, decide_hours=24, collect_hours=8),
        received_at=world.clock(),
    )
    if verdict == "REFUSED":
        part = Refusal(GATEWAY, "DISCLOSURE_DENIED", "no", part.asked, (decision,))
    ledger = world.ledgers[holder]
    return await ledger.receipt(await ledger.append(draft(part, request.id)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that `nsor` holds and `osor` answers."""

    world: World
    request: SignedRequest
    held: Receipt
    other: HolderReport

    def report(self, **changes: object) -> HolderReport:
        """What an honest gateway says of `nsor`, or something else."""
        honest = replace(report(NSOR, self.held, 0), outcome=Outcome.HELD, reasons=(WHY,))
        return replace(honest, **changes)  # type: ignore[arg-type]

    async def tell(self, **changes: object) -> Answer:
        """The answer of a gateway that enters what it says."""
        holders = (self.report(**changes), self.other)
        caveats = ("osor: once only",)
        return await tell(self.world, self.request, Telling(holders, ROWS[OSOR], caveats=caveats))


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with opened_world(tmp_path) as world:
        request = sign(question(partial=True))
        held = await hold(world, NSOR, request, "HELD")
        receipt = await disclose(world, OSOR, request, ROWS[OSOR])
        yield Asked(world, request, held, report(OSOR, receipt, len(ROWS[OSOR])))


async def test_what_the_holder_entered_as_held_is_believed(asked: Asked) -> None:
    found = verify_answer(await asked.tell(), expecting(asked.request))
    assert [one.outcome for one in found.agencies] == [Outcome.HELD, Outcome.ANSWERED]
    # Nothing was received of it, so nothing is acknowledged to it.
    assert [one.recipient for one in _received(found, GATEWAY)] == [GATEWAY, OSOR]


async def test_a_gateway_cannot_say_held_where_nobody_at_the_holder_will_see_it(
    asked: Asked,
) -> None:
    with pytest.raises(ProofInvalid, match="no receipt of `nsor`"):
        verify_answer(await asked.tell(receipt=None), expecting(asked.request))


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ANSWERED, Outcome.UNAVAILABLE])
async def test_a_gateway_that_drops_the_ticket_is_found_out_by_its_receipt(
    asked: Asked, outcome: Outcome
) -> None:
    found = await asked.tell(outcome=outcome)
    with pytest.raises(ProofInvalid, match="tells of `nsor` otherwise"):
        verify_answer(found, expecting(asked.request))


async def test_a_refusal_or_a_disclosure_is_not_a_ticket(asked: Asked) -> None:
    for receipt in (
        await hold(asked.world, NSOR, asked.request, "REFUSED"),
        await disclose(asked.world, NSOR, asked.request, ()),
    ):
        with pytest.raises(ProofInvalid, match="tells of `nsor` otherwise"):
            verify_answer(await asked.tell(receipt=receipt), expecting(asked.request))


async def test_a_refusal_that_the_node_alone_could_give_is_believed(asked: Asked) -> None:
    """A ticket that was denied, a budget that is spent: the gateway's policy would have released."""
    receipt = await hold(asked.world, NSOR, asked.request, "REFUSED")
    told = await asked.tell(receipt=receipt, outcome=Outcome.REFUSED)
    found = verify_answer(told, expecting(asked.request))
    assert found.agencies[0].outcome is Outcome.REFUSED
    assert [one.recipient for one in _received(found, GATEWAY)] == [GATEWAY, OSOR]
