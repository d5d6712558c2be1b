"""Who calls, and how much at once: the first thing that a server looks at.

A caller is known by the certificate of its connection (`wire/tls.py`) and must be in the member
directory. Who is not is counted and told nothing more; floods of strangers make no entries.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from narrows.core.directory import Directory, Peer
from narrows.core.ledger.parts import Counted, draft
from narrows.core.terms import MemberName
from narrows.errors import DisclosureDenied, Overloaded, UnknownCaller
from narrows.store.ledger import Ledger
from narrows.wire.status import RETRY_AFTER_MS
from narrows.wire.tls import AuthContext, peer_of

RETRY_MS = 250
EXPLAINED = "EXPLAINED"


@dataclass(slots=True)
class Tally:
    """Counts of what is not entered one by one, since the last time that they were entered."""

    clock: Callable[[], datetime]
    _since: datetime = field(init=False)
    _counts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._since = self.clock()

    def add(self, reason: str) -> None:
        """Nothing; one more."""
        self._counts[reason] += 1

    async def enter(self, ledger: Ledger) -> None:
        """Nothing, when the counts are in the ledger and begin anew; no entry for none.

        Raises: LedgerUnavailable.
        """
        if not self._counts:
            return
        now = self.clock()
        counts, self._counts = dict(sorted(self._counts.items())), Counter()
        since, self._since = self._since, now
        await ledger.append(draft(Counted(since, now, counts)))


@dataclass(slots=True)
class Callers:
    """Tells callers apart and holds each to its share of calls at once."""

    federation: str
    directory: Callable[[], Directory]
    tally: Tally
    per_caller: int
    at_once: int
    _calls: Counter[MemberName] = field(default_factory=Counter[MemberName])

    def member(self, context: AuthContext) -> MemberName:
        """The member that calls. Raises: UnknownCaller, BadFederation."""
        return self._known(context, "member").name

    def gateway(self, context: AuthContext) -> MemberName:
        """The gateway that calls. Raises: UnknownCaller, BadFederation."""
        return self._known(context, "gateway").name

    def auditor(self, context: AuthContext) -> MemberName:
        """The auditor that calls. Raises: UnknownCaller; DisclosureDenied for another member."""
        name = self.member(context)
        if not self.directory().is_auditor(name):
            raise DisclosureDenied(
                f"`{name}` is of no class that may read ledgers",
                hint="ask with the certificate of an auditor",
            )
        return name

    def itself(self, context: AuthContext, holder: MemberName) -> MemberName:
        """The holder whose process this is. Raises: UnknownCaller; DisclosureDenied for another."""
        name = self.member(context)
        if name != holder:
            raise DisclosureDenied(
                f"only `{holder}` itself may do this at its node",
                hint="call with the member certificate of the holder",
            )
        return name

    def anyone(self, context: AuthContext) -> Peer:
        """The member or gateway that calls. Raises: UnknownCaller, BadFederation."""
        return self._known(context, None)

    @contextmanager
    def turn(self, name: MemberName) -> Iterator[None]:
        """A place among the calls that are answered now. Raises: Overloaded, at once.

        One member that asks too much is turned away before it can slow the others.
        """
        if self._calls[name] >= self.per_caller:
            raise _overloaded(
                f"`{name}` has {self.per_caller} calls under way, and may have no more"
            )
        if self._calls.total() >= self.at_once:
            raise _overloaded(f"{self.at_once} calls are under way, and there is no room for more")
        self._calls[name] += 1
        try:
            yield
        finally:
            self._calls[name] -= 1
            if not self._calls[name]:
                del self._calls[name]

    def _known(self, context: AuthContext, role: str | None) -> Peer:
        try:
            peer = peer_of(context)
            directory = self.directory()
            names = directory.members if peer.role == "member" else directory.gateways
            if peer.federation != self.federation or peer.name not in names:
                raise UnknownCaller(
                    "the certificate names nobody in this federation's directory",
                    hint="ask whoever keeps the directory",
                )
            if role is not None and peer.role != role:
                raise UnknownCaller(
                    f"the caller is no {role} of the federation",
                    hint="members call gateways, and gateways call nodes",
                )
        except UnknownCaller as error:
            self.tally.add(error.reason)
            raise
        return peer


@dataclass(slots=True)
class Lanes:
    """A queue for each caller: `width` of its calls are worked on, the others wait their turn.

    A member that asks much at once waits for itself, and not the others for it.
    """

    width: int
    _lanes: dict[MemberName, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def lane(self, name: MemberName) -> AsyncIterator[None]:
        """A place in the caller's own lane, as soon as there is one."""
        # INVARIANT: at most one lane a member of the directory, so this does not grow for ever.
        async with self._lanes.setdefault(name, asyncio.Semaphore(self.width)):
            yield


def _overloaded(message: str) -> Overloaded:
    return Overloaded(
        message, hint="try again a little later", metadata={RETRY_AFTER_MS: str(RETRY_MS)}
    )
