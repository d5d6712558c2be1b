"""The notices of one holder's ledger that somebody has not taken yet: a view, with no state besides.

Whatever is here can be told from the entries alone: a NOTICE says whom to tell, a DELIVERY who was
told and how. A notice is named by the index of its entry. Two are told of each: the requester, and
the holder itself, which may fetch it or have it pushed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from narrows.core.exchange import NoticeItem
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.notice import decode_notice
from narrows.core.ledger.parts import Delivery, draft
from narrows.core.terms import Holder, MemberName
from narrows.errors import MalformedRequest
from narrows.node.entering import NOTICE
from narrows.store.ledger import Ledger

FETCHED, TAKEN, PUSHED = "fetched", "taken", "pushed"
MOST = 100
"""Notices at a time."""


@dataclass(slots=True)
class _Pending:
    """Whom a notice is for, and who has had it how; it goes once nobody waits for it."""

    members: frozenset[MemberName]
    had: set[tuple[MemberName, str]] = field(default_factory=set[tuple[MemberName, str]])


class Outbox:
    """The outbox of a ledger; used from one event loop."""

    def __init__(self, ledger: Ledger, holder: Holder) -> None:
        self._ledger = ledger
        self._holder = MemberName(holder)
        self._pending: dict[int, _Pending] = {}
        self._notices = 0
        self._deliveries = 0

    async def fetch(self, member: MemberName) -> tuple[NoticeItem, ...]:
        """The notices that the member has not taken, oldest first, `MOST` at most.

        That they were fetched is durable before they are given. Raises: LedgerUnavailable.
        """
        indexes = self.waiting(member, TAKEN)[:MOST]
        fresh = [one for one in indexes if (member, FETCHED) not in self._pending[one].had]
        found = [item for one in indexes if (item := self.item(one)) is not None]
        if fresh:
            await self.deliver(fresh, member, FETCHED)
        return tuple(found)

    async def take(self, indexes: Sequence[int], member: MemberName) -> int:
        """How many were taken now; the member will not see them again. Idempotent.

        Raises: MalformedRequest for what is no notice of this member's; LedgerUnavailable.
        """
        waiting = set(self.waiting(member, TAKEN))
        unknown = [one for one in indexes if one not in waiting and not self._is_of(one, member)]
        if unknown:
            raise MalformedRequest("there is no such notice for this member")
        fresh = sorted(waiting & set(indexes))
        if fresh:
            await self.deliver(fresh, member, TAKEN)
        return len(fresh)

    def waiting(self, member: MemberName, how: str) -> list[int]:
        """The notices for the member that it has not had in that way, oldest first."""
        self._catch_up()
        return [
            index
            for index, found in self._pending.items()
            if member in found.members and (member, how) not in found.had
        ]

    def item(self, index: int) -> NoticeItem | None:
        """What a notice says; None once it is erased. Raises: LedgerUnavailable, ProofInvalid."""
        entry = self._ledger.entry(index)
        for opening in self._ledger.openings(index):
            text = decode_notice(opening.value) if opening.field == NOTICE else None
            if text is not None and entry.request is not None:
                return NoticeItem(index, entry.time, entry.request, text)
        return None

    async def deliver(self, indexes: Sequence[int], member: MemberName, how: str) -> None:
        """Nothing, once it is durable that the member had these. Raises: LedgerUnavailable."""
        await self._ledger.append(draft(Delivery(member, how, tuple(indexes))))

    def _is_of(self, index: int, member: MemberName) -> bool:
        """Whether that is the index of a notice for the member, also of one that was taken."""
        if not 0 <= index < self._ledger.size:
            return False
        entry = self._ledger.entry(index)
        return entry.kind is Kind.NOTICE and member in self._members(entry)

    def _catch_up(self) -> None:
        """Nothing; all durable entries are looked at, each once."""
        notices = self._ledger.entries_of_kind(Kind.NOTICE)[self._notices :]
        deliveries = self._ledger.entries_of_kind(Kind.DELIVERY)[self._deliveries :]
        self._notices += len(notices)
        self._deliveries += len(deliveries)
        for index in notices:
            members = self._members(self._ledger.entry(index))
            if members:
                self._pending[index] = _Pending(members)
        for index in deliveries:
            self._note(self._ledger.entry(index))

    def _members(self, entry: Entry) -> frozenset[MemberName]:
        """Whom to tell: nobody, where nothing was pointed at."""
        if not entry.open.get("notice_count"):
            return frozenset()
        return frozenset((MemberName(str(entry.open["agency"])), self._holder))

    def _note(self, entry: Entry) -> None:
        member, how = MemberName(str(entry.open["member"])), str(entry.open["how"])
        named = entry.open["notices"]
        for index in named if isinstance(named, list) else ():
            found = self._pending.get(index) if isinstance(index, int) else None
            if found is not None:
                found.had.add((member, how))
