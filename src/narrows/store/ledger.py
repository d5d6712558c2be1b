"""The ledger of one process: entries go in from many tasks, a few syncs serve them all.

Tasks of one event loop call `append`; one thread writes and syncs what is waiting as a group, and
then wakes the tasks. Whoever is past `append` may rely on the entry. A write or sync that fails
ends the ledger for good: every later `append` raises `LedgerUnavailable`, nothing is tried again,
and the process must be started anew.

    ledger = open_ledger(DiskFiles(folder), key, clock=now, salt=lambda: os.urandom(32))
    index = await ledger.append(draft(Intent(...), request_id, {"officer": b"4471"}))
    receipt = await ledger.receipt(index)
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from narrows.core.ledger.entry import (
    Draft,
    Entry,
    Kind,
    Opening,
    Tags,
    awaits_in,
    complete,
    decode_entry,
    encode_entry,
    ticket_in,
)
from narrows.core.ledger.note import Signer
from narrows.core.ledger.receipt import Receipt
from narrows.core.ledger.tree import prove_consistency, prove_inclusion
from narrows.core.terms import Digest, RequestId
from narrows.errors import LedgerUnavailable, MalformedRequest
from narrows.store.files import Files
from narrows.store.log import Item, Log
from narrows.store.records import encode_opening
from narrows.store.recovery import Recovery, open_log
from narrows.store.writer import Waiting, Writer

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Requests:
    """Which entries belong to which request or kind, and which intents have no outcome yet.

    `tickets` says which held request a request cites, `citing` the other way round; `awaiting` lists
    the requests that a person at the holder decides on, or reviews, by what is awaited.
    """

    entries: dict[RequestId, tuple[int, ...]] = field(default_factory=dict)
    tickets: dict[RequestId, RequestId] = field(default_factory=dict)
    citing: dict[RequestId, dict[RequestId, None]] = field(default_factory=dict)
    awaiting: dict[str, dict[RequestId, None]] = field(default_factory=dict)
    intents: dict[RequestId, None] = field(default_factory=dict)
    kinds: dict[Kind, list[int]] = field(default_factory=dict)
    last_time: datetime = _EARLIEST

    def note(self, index: int, tags: Tags) -> None:
        """Nothing; the entry is known from now on."""
        self.last_time = tags.time
        self.kinds.setdefault(tags.kind, []).append(index)
        if tags.request is None:
            return
        self.entries[tags.request] = (*self.entries.get(tags.request, ()), index)
        if tags.ticket is not None:
            self.tickets[tags.request] = tags.ticket
            self.citing.setdefault(tags.ticket, {})[tags.request] = None
        if tags.awaits:
            self.awaiting.setdefault(tags.awaits, {})[tags.request] = None
        if tags.kind is Kind.INTENT:
            self.intents[tags.request] = None
        elif tags.kind is Kind.OUTCOME:
            self.intents.pop(tags.request, None)


def open_ledger(
    files: Files, signer: Signer, *, clock: Callable[[], datetime], salt: Callable[[], bytes]
) -> "Ledger":
    """The ledger in this folder, locked, mended (`recovery` says how) and ready to append.

    Needs: `clock` gives times with their zone; `salt` gives 32 fresh random bytes.
    Raises: LedgerUnavailable where another process has it or the disk fails; ProofInvalid where
    the files are not those of this key's ledger, or were changed.
    """
    requests = Requests()
    log, recovery = open_log(files, signer, requests.note)
    return Ledger(log, recovery, requests, clock, salt)


class Ledger:
    """The ledger; made by `open_ledger`, used from one event loop."""

    def __init__(
        self,
        log: Log,
        recovery: Recovery,
        requests: Requests,
        clock: Callable[[], datetime],
        salt: Callable[[], bytes],
    ) -> None:
        self.recovery = recovery
        self._log = log
        self._requests = requests
        self._clock = clock
        self._salt = salt
        self._next = log.size
        self._last_time = requests.last_time
        self._signed = log.sign()
        self._is_closed = False
        self._writer = Writer(log, self._tell)

    @property
    def origin(self) -> str:
        """The ledger's name, which is its key's."""
        return self._log.origin

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._log.size

    @property
    def failure(self) -> str:
        """Why no entry can be taken any more, for good; empty while all is well."""
        return self._writer.failure

    async def append(self, draft: Draft) -> int:
        """The index of the entry, once it and its openings are durable.

        Entries get the index and the time of the call, in order. The entry of a task that is
        cancelled meanwhile may still be written.
        Raises: LedgerUnavailable; CheckFailed for an entry that is too large.
        """
        return (await self.append_all((draft,)))[-1]

    async def append_all(self, drafts: Sequence[Draft]) -> tuple[int, ...]:
        """The indexes of the entries, next to each other, once all of them are durable.

        INVARIANT: a later one of them is durable only where the earlier ones are, also after a
        crash in the middle: what must not be without another is put behind it.
        Raises: as `append`; where one is too large, none is taken.
        """
        if self._is_closed or self._writer.failure:
            raise _unavailable(self._writer.failure or "the ledger is closed")
        time = max(self._last_time, self._clock())
        loop = asyncio.get_running_loop()
        group = [
            self._waiting(draft, self._next + place, time, loop.create_future())
            for place, draft in enumerate(drafts)
        ]
        for waiting in group:
            self._writer.put(waiting)
        self._last_time = time
        self._next += len(group)
        return tuple(await asyncio.gather(*(waiting.done for waiting in group)))

    def _waiting(
        self, draft: Draft, index: int, time: datetime, done: "asyncio.Future[int]"
    ) -> Waiting:
        entry, openings = complete(draft, self.origin, time, self._salt)
        sealed = b"".join(encode_opening(index, opening) for opening in openings)
        item = Item(encode_entry(entry), sealed)
        tags = Tags(
            kind=entry.kind,
            request=entry.request,
            time=entry.time,
            sealed=tuple(entry.sealed),
            ticket=ticket_in(entry.open),
            awaits=awaits_in(entry.open),
        )
        return Waiting(item, tags, index, done)

    async def receipt(self, index: int) -> Receipt:
        """The receipt of a durable entry, under a checkpoint that covers it.

        Raises: MalformedRequest where there is no such entry; LedgerUnavailable.
        """
        entry = self._log.entry(index)
        # An older checkpoint that covers the entry will do: one signature serves a whole group.
        if self._signed[0] <= index:
            self._signed = self._log.sign()
        size, note = self._signed
        return Receipt(entry, index, prove_inclusion(index, size, self._log), note)

    def checkpoint(self) -> bytes:
        """The signed checkpoint of all that is durable."""
        if self._signed[0] != self.size:
            self._signed = self._log.sign()
        return self._signed[1]

    def entry(self, index: int) -> Entry:
        """An entry. Raises: MalformedRequest where there is none; LedgerUnavailable."""
        return decode_entry(self._log.entry(index))

    def entry_bytes(self, index: int) -> bytes:
        """The canonical bytes of an entry. Raises: as `entry`."""
        return self._log.entry(index)

    def openings(self, index: int) -> tuple[Opening, ...]:
        """What of the entry's sealed part is not erased, by field in order. Raises: as `entry`."""
        return self._log.openings(index)

    def entries_of(self, request: RequestId) -> tuple[int, ...]:
        """The indexes of the durable entries about a request, in order.

        An entry that is being written is not among them yet: a guard against replays must itself
        remember the requests that are under way.
        """
        return self._requests.entries.get(request, ())

    def entries_of_kind(self, kind: Kind, start: int = 0) -> Sequence[int]:
        """The indexes of the durable entries of that kind, in order, without the first `start`."""
        return tuple(self._requests.kinds.get(kind, [])[start:])

    def chain_of(self, request: RequestId) -> tuple[int, ...]:
        """As `entries_of`, and those about its ticket, and about all that cite the same ticket."""
        found = self._requests
        first = found.tickets.get(request, request)
        every = (first, *found.citing.get(first, ()))
        return tuple(sorted(index for one in every for index in found.entries.get(one, ())))

    def awaiting(self, what: str) -> tuple[RequestId, ...]:
        """The requests that ever awaited a `ruling` or a `review` here, in order."""
        return tuple(self._requests.awaiting.get(what, ()))

    def unfinished(self) -> tuple[RequestId, ...]:
        """The requests with an intent and no outcome: after a start, those that a crash cut off."""
        return tuple(self._requests.intents)

    def prove_inclusion(self, index: int, size: int) -> tuple[Digest, ...]:
        """The proof for an entry among the first `size`. Raises: MalformedRequest."""
        self._require_size(size)
        return prove_inclusion(index, size, self._log)

    def prove_consistency(self, old_size: int, new_size: int) -> tuple[Digest, ...]:
        """The proof that the log only grew between two sizes. Raises: MalformedRequest."""
        self._require_size(new_size)
        return prove_consistency(old_size, new_size, self._log)

    async def close(self) -> None:
        """Nothing, when all that was appended is written, and the stored checkpoint covers it."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._writer.stop)
        self._log.close()

    def _require_size(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise MalformedRequest(f"the ledger has no `{size}` entries yet")

    def _tell(self, group: Sequence[Waiting], failure: str) -> None:
        """Runs in the writer's thread: hands the group over to the loop."""
        if not group:
            return
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            group[0].done.get_loop().call_soon_threadsafe(self._settle, group, failure)

    def _settle(self, group: Sequence[Waiting], failure: str) -> None:
        for waiting in group:
            if not failure:
                self._requests.note(waiting.index, waiting.tags)
            if waiting.done.done():
                continue
            if failure:
                waiting.done.set_exception(_unavailable(failure))
            else:
                waiting.done.set_result(waiting.index)


def _unavailable(failure: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"the ledger takes no entries: {failure}", hint="mend the disk and start the process anew"
    )
