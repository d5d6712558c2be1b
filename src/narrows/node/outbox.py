"""The notices of one holder's ledger that somebody has not taken yet: a view, with no state besides.

Whatever is here can be told from the entries alone: a NOTICE says whom to tell, a DELIVERY who was
told and how. A notice is named by the index of its entry. Two are told of each: the requester, and
the holder itself, which may fetch it or have it pushed.

A NOTICE that says nothing, of a pointer that pointed at nothing or erased since, waits like any
other and is delivered to nobody: it is named by the same DELIVERY, or by one of its own, so that
as many are entered where nothing was pointed at, and the size of the tree tells nobody of hits.
"""

from collections.abc import Sequence

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


class Outbox:
    """The outbox of a ledger; used from one event loop.

    What waits is kept for each member and each way, and goes once the member had it in that way.
    Where nothing `is_pushed`, nothing waits to be.
    """

    def __init__(self, ledger: Ledger, holder: Holder, *, is_pushed: bool = True) -> None:
        self._ledger = ledger
        self._holder = MemberName(holder)
        self._is_pushed = is_pushed
        self._waiting: dict[tuple[MemberName, str], dict[int, None]] = {}
        self._silent: set[int] = set()
        self._notices = 0
        self._deliveries = 0

    async def fetch(self, member: MemberName) -> tuple[NoticeItem, ...]:
        """The notices that the member has not taken, oldest first, `MOST` at most.

        That they were fetched is durable before they are given. Raises: LedgerUnavailable.
        """
        found: list[NoticeItem] = []
        looked: list[int] = []
        for index in self.waiting(member, TAKEN):
            looked.append(index)
            if (item := self.item(index)) is not None:
                found.append(item)
            if len(found) == MOST:
                break
        fresh = self._of(member, FETCHED)
        await self.deliver([one for one in looked if one in fresh], member, FETCHED)
        return tuple(found)

    async def take(self, indexes: Sequence[int], member: MemberName) -> int:
        """How many were taken now; the member will not see them again. Idempotent.

        What says nothing is taken with any, or with none, once it was fetched.
        Raises: MalformedRequest for what is no notice of this member's; LedgerUnavailable.
        """
        waiting, unfetched = self.waiting(member, TAKEN), self._of(member, FETCHED)
        if any(not self._is_of(one, member) for one in indexes):
            raise MalformedRequest("there is no such notice for this member")
        wanted = set(indexes)
        fresh = [one for one in waiting if one in wanted]
        silent = [one for one in waiting if one in self._silent and one not in unfetched]
        await self.deliver(sorted({*fresh, *silent}), member, TAKEN)
        return len(fresh)

    def waiting(self, member: MemberName, how: str) -> list[int]:
        """What the member has not had in that way, oldest first; also what says nothing.

        Raises: LedgerUnavailable.
        """
        self._catch_up()
        return list(self._of(member, how))

    def item(self, index: int) -> NoticeItem | None:
        """What a notice says; None where it says nothing, or is erased.

        Raises: LedgerUnavailable, ProofInvalid.
        """
        if index in self._silent:
            return None
        entry = self._ledger.entry(index)
        for opening in self._ledger.openings(index):
            text = decode_notice(opening.value) if opening.field == NOTICE else None
            if text is not None and entry.request is not None:
                return NoticeItem(index, entry.time, entry.request, text)
        self._silent.add(index)
        return None

    async def deliver(self, indexes: Sequence[int], member: MemberName, how: str) -> None:
        """Nothing, once it is durable that the member had these. Raises: LedgerUnavailable."""
        for start in range(0, len(indexes), MOST):
            some = tuple(indexes[start : start + MOST])
            await self._ledger.append(draft(Delivery(member, how, some)))

    def _of(self, member: MemberName, how: str) -> dict[int, None]:
        return self._waiting.get((member, how), {})

    def _is_of(self, index: int, member: MemberName) -> bool:
        """Whether that is the index of a notice for the member, also of one that was taken."""
        if not 0 <= index < self._ledger.size:
            return False
        entry = self._ledger.entry(index)
        is_notice = entry.kind is Kind.NOTICE and bool(entry.open.get("notice_count"))
        return is_notice and member in self._members(entry)

    def _catch_up(self) -> None:
        """Nothing; all durable entries are looked at, each once."""
        for index in self._ledger.entries_of_kind(Kind.NOTICE, self._notices):
            entry = self._ledger.entry(index)
            for member in self._members(entry):
                for how in (FETCHED, TAKEN):
                    self._waiting.setdefault((member, how), {})[index] = None
            if self._is_pushed:
                self._waiting.setdefault((self._holder, PUSHED), {})[index] = None
            if not entry.open.get("notice_count"):
                self._silent.add(index)
            self._notices += 1
        for index in self._ledger.entries_of_kind(Kind.DELIVERY, self._deliveries):
            self._note(self._ledger.entry(index))
            self._deliveries += 1

    def _members(self, entry: Entry) -> frozenset[MemberName]:
        """Whom to tell."""
        return frozenset((MemberName(str(entry.open["agency"])), self._holder))

    def _note(self, entry: Entry) -> None:
        member, how = MemberName(str(entry.open["member"])), str(entry.open["how"])
        named = entry.open["notices"]
        for index in named if isinstance(named, list) else ():
            if not isinstance(index, int):
                continue
            # Who has taken it without fetching it will not fetch it any more.
            for had in (TAKEN, FETCHED) if how == TAKEN else (how,):
                self._of(member, had).pop(index, None)
            if not any(index in waiting for waiting in self._waiting.values()):
                self._silent.discard(index)
