"""Acknowledgements on their way: gathered for a moment, since many cost little more than one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from narrows.client.answer import Answer
from narrows.client.sign import ReceivedRows, Requesting, sign_acknowledgements
from narrows.core.answer import HolderReport, Outcome, SignedAcknowledgement
from narrows.core.ledger.entry import Kind, decode_entry
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import MemberName, RequestId
from narrows.errors import LedgerUnavailable, NarrowsError
from narrows.wire.calls import GatewayCalls

GATHER_S = 0.1
SEND_S = 10.0
MOST = 1_000
"""Acknowledgements in one message: a gateway takes 1,024."""
Note = Callable[[RequestId, str, str], None]
"""Request, event, reason -> nothing: the requester's journal."""


@dataclass(slots=True)
class Acknowledging:
    """Signs and sends what a requester received; `note` is told of each request once."""

    calls: GatewayCalls
    by: Requesting
    note: Note
    _waiting: list[tuple[Answer, datetime]] = field(default_factory=list)
    _sending: asyncio.Task[None] | None = None
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, answer: Answer) -> None:
        """Nothing; the answer is acknowledged soon."""
        self._waiting.append((answer, self.by.clock()))
        if self._sending is None or self._sending.done():
            self._hurry.clear()
            self._sending = asyncio.get_running_loop().create_task(self._send_soon())

    async def settle(self) -> None:
        """Nothing, when everything is sent, or given up."""
        self._hurry.set()
        if self._sending is not None:
            # Whoever stops waiting does not stop the sending.
            await asyncio.shield(self._sending)

    async def _send_soon(self) -> None:
        try:
            async with asyncio.timeout(GATHER_S):
                await self._hurry.wait()
        except TimeoutError:
            pass
        while self._waiting:
            await self._send(self._take())

    def _take(self) -> dict[RequestId, tuple[SignedAcknowledgement, ...]]:
        """The next group, signed."""
        found: dict[RequestId, tuple[SignedAcknowledgement, ...]] = {}
        count = 0
        while self._waiting and count < MOST // 2:
            answer, received_at = self._waiting.pop(0)
            signed = sign_acknowledgements(
                answer.request_id, _received(answer, self.by.gateway), self.by, received_at
            )
            found[answer.request_id] = signed
            count += len(signed)
        return found

    async def _send(self, group: dict[RequestId, tuple[SignedAcknowledgement, ...]]) -> None:
        reason = ""
        entered: set[RequestId] = set()
        try:
            every = [one for signed in group.values() for one in signed]
            found = await self.calls.acknowledge(every, SEND_S)
            entered = {one.request for one in found if one.recipient == self.by.gateway}
        except NarrowsError as error:
            reason = error.reason
        for request in group:
            event = "acknowledged" if request in entered else "not acknowledged"
            # A journal that cannot be written refuses the next intent; what waits is sent all the same.
            with suppress(LedgerUnavailable):
                self.note(request, event, reason)


def _gave_rows(report: HolderReport, receipt: Receipt) -> bool:
    """Whether its entry says what may leave, perhaps nothing: what is held or refused does not.

    One part may be refused, and rows of another part have left.
    """
    if report.outcome is Outcome.ANSWERED:
        return True
    return decode_entry(receipt.entry).kind is Kind.DISCLOSURE


def _received(answer: Answer, gateway: str) -> tuple[ReceivedRows, ...]:
    """What was received of the gateway, and of each node that may have given rows."""
    nodes = (
        ReceivedRows(MemberName(report.holder), report.row_count, report.receipt)
        for report in answer.agencies
        if report.receipt is not None and _gave_rows(report, report.receipt)
    )
    return (ReceivedRows(MemberName(gateway), answer.gateway_row_count, answer.receipt), *nodes)
