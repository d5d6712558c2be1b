"""The nodes that a gateway knows: channels, ledger keys and policies, kept up to date.

One channel per node stays open. Policies are fetched from the nodes, verified under the policy
keys of the directory, and kept on the disk, so that a gateway that starts while a node is away
still decides for it. An older version than was seen is never taken.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import grpc.aio

from narrows.core.catalog import Catalog
from narrows.core.directory import Directory, DirectoryMember, Endpoint, Peer, ledger_name
from narrows.core.ledger.note import Verifier
from narrows.core.policy.model import Policy
from narrows.core.policy.versions import in_force_or_first
from narrows.core.publishing import (
    PublishedPolicy,
    decode_published,
    encode_published,
    open_policy,
)
from narrows.core.terms import Digest, Holder, MemberName, digest_of
from narrows.errors import BadFederation, NarrowsError
from narrows.store.files import DiskFiles
from narrows.store.keys import VerifyingKey, verify_signature
from narrows.wire.calls import NodeCalls, open_channel

AT_ONCE_BYTES = 30_000
"""Up to here a policy is read at once: some tenths of a second, and once a version."""
LOOK_S = 2.0
"""How often the directory is looked at, and a policy that is unknown is asked for."""
CLOSE_S = 60.0
"""How long calls on a channel to a former endpoint may still take."""
REFRESH_EVERY = 15
"""Looks between two questions to a node whose policy is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """A policy, opened, and the document that proves it."""

    policy: Policy
    published: PublishedPolicy


class Nodes:
    """Every holder's node. `calls` and `verifiers` are live: they change in place."""

    def __init__(
        self, identity: Path, catalog: Catalog, directory: Callable[[], Directory]
    ) -> None:
        self.calls: dict[Holder, NodeCalls] = {}
        self.verifiers: dict[Holder, Verifier] = {}
        self._identity = identity
        self._catalog = catalog
        self._directory = directory
        self._folder = identity / "policies"
        self._files = DiskFiles(self._folder)
        self._endpoints: dict[Holder, Endpoint] = {}
        self._channels: dict[Holder, grpc.aio.Channel] = {}
        self._known: dict[Holder, dict[int, Known]] = {}
        self._refused: defaultdict[Holder, set[Digest]] = defaultdict(set)
        self._taking: defaultdict[Holder, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stale: set[Holder] = set()
        self._woken = asyncio.Event()
        self._closing: set[asyncio.Future[None]] = set()

    def open(self) -> None:
        """Nothing; channels are open, and the policies on the disk are known."""
        self._files.lock()
        self._follow_directory()
        for path in sorted(self._folder.glob("*.json")):
            data = self._files.load(path.name)
            if data is None:
                continue
            try:
                holder = Holder(path.name.partition(".")[0])
                self._add(self._opened(holder, decode_published(data), self._directory()))
            except BadFederation as error:
                _warn(error)

    def policies_on(self, day: date) -> dict[Holder, Policy]:
        """Of each holder whose policy is known, the version in force on that day."""
        return {
            holder: in_force_or_first((one.policy for one in versions.values()), day)
            for holder, versions in self._known.items()
        }

    def published(self) -> tuple[PublishedPolicy, ...]:
        """Every version that is known, by holder and version."""
        return tuple(
            self._known[holder][version].published
            for holder in sorted(self._known)
            for version in sorted(self._known[holder])
        )

    async def renew(self, holder: Holder) -> None:
        """Nothing; the holder's policy was fetched anew, or will be: its node has another."""
        self._stale.add(holder)
        if holder in self.calls:
            await self._fetch(holder)
        if holder in self._stale:
            self._woken.set()

    async def keep_up(self) -> None:
        """Never returns: follows the directory, and fetches policies."""
        turn = 0
        while True:
            self._follow_directory()
            wanted = [
                holder
                for holder in self.calls
                if holder in self._stale or holder not in self._known or turn % REFRESH_EVERY == 0
            ]
            # Before the questions: who is distrusted meanwhile is asked again.
            self._woken.clear()
            await asyncio.gather(*(self._fetch(holder) for holder in wanted))
            turn += 1
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Nothing; channels and files are closed."""
        await asyncio.gather(*(channel.close(None) for channel in self._channels.values()))
        self._files.close()

    async def _fetch(self, holder: Holder) -> None:
        was_stale = holder in self._stale
        self._stale.discard(holder)
        try:
            found = await self.calls[holder].describe()
        except NarrowsError:
            if was_stale:
                self._stale.add(holder)
            return
        if found.policy.holder == holder:
            async with self._taking[holder]:
                await self._take(holder, found.policy, found.others)

    async def _take(
        self, holder: Holder, newest: PublishedPolicy, others: Sequence[PublishedPolicy] = ()
    ) -> None:
        """Nothing; the newest version is known, if it verifies and is no older than a known one.

        So are the `others`, which stand before it. Nothing that was known is ever forgotten.
        """
        refused, self._refused[holder] = self._refused[holder], set()
        try:
            if newest.version < max(self._known.get(holder, {0: None})):
                raise BadFederation(f"an older policy of `{holder}` is not taken")
            await self._take_one(holder, newest, refused)
            for other in others:
                if other.version < newest.version:
                    await self._take_one(holder, other, refused)
        except BadFederation as error:
            _warn(error)

    async def _take_one(
        self, holder: Holder, published: PublishedPolicy, refused: set[Digest]
    ) -> None:
        """Nothing; the version is known. What was taken or refused before is not read again.

        Raises: BadFederation.
        """
        known = self._known.get(holder, {}).get(published.version)
        if known is not None and known.published == published:
            return
        directory = self._directory()
        mark = _mark(published, directory.member(holder))
        try:
            if mark in refused:
                raise BadFederation(f"the policy of `{holder}` is the one that was refused before")
            if len(published.text) <= AT_ONCE_BYTES:
                # A question that comes while it is read finds it known, not its holder missing.
                found = self._opened(holder, published, directory)
            else:
                # A long text takes seconds to read, in which questions are answered.
                found = await asyncio.to_thread(self._opened, holder, published, directory)
            self._keep(found)
        except BadFederation:
            self._refused[holder].add(mark)
            raise

    def _opened(self, holder: Holder, published: PublishedPolicy, directory: Directory) -> Known:
        if published.holder != holder:
            raise BadFederation(f"the policy of another holder is none of `{holder}`")
        return Known(open_policy(published, self._catalog, directory, verify_signature), published)

    def _add(self, found: Known) -> bool:
        """Whether the version was not known yet. Raises: BadFederation."""
        versions = self._known.setdefault(found.policy.agency, {})
        known = versions.setdefault(found.policy.version, found)
        if known.policy != found.policy:
            # Else two texts under one version could not be told apart in any ledger.
            raise BadFederation(f"`{found.policy.agency}` changed its policy in secret")
        return known is found

    def _keep(self, found: Known) -> None:
        """Nothing; the version is known, and written down for a start without its node."""
        if not self._add(found):
            return
        name = f"{found.policy.agency}.{found.policy.version}.json"
        try:
            self._files.replace(name, encode_published(found.published))
        except OSError:
            # The policy is in force all the same; only a start without its node must do without.
            logging.getLogger("narrows").warning("the policy of `%s` cannot be kept", name)

    def _follow_directory(self) -> None:
        """Nothing; each holder's channel leads to where the directory says that its node is."""
        try:
            directory = self._directory()
        except BadFederation:
            return
        for holder in self._catalog.holders:
            member = directory.member(holder)
            endpoint = None if member is None else member.node
            if endpoint == self._endpoints.get(holder):
                continue
            self._let_go(holder)
            if endpoint is None:
                continue
            self._endpoints[holder] = endpoint
            peer = Peer(directory.federation, "member", MemberName(holder))
            self._channels[holder] = open_channel(endpoint.address, self._identity, peer)
            self.calls[holder] = NodeCalls(self._channels[holder])
            name = ledger_name(directory.federation, holder)
            self.verifiers[holder] = VerifyingKey(name, endpoint.ledger_key.raw)

    def _let_go(self, holder: Holder) -> None:
        """Nothing; the node is not called any more, and calls that are under way may end."""
        if self._endpoints.pop(holder, None) is None:
            return
        del self.calls[holder], self.verifiers[holder]
        closing = asyncio.ensure_future(self._channels.pop(holder).close(grace=CLOSE_S))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _warn(error: BadFederation) -> None:
    logging.getLogger("narrows").warning("a policy is not taken: %s", error)


def _mark(published: PublishedPolicy, member: DirectoryMember | None) -> Digest:
    """What stands for this document, and for the key by which it is judged."""
    key = None if member is None else member.policy_key
    cover = f"{published.holder}\n{published.version}".encode()
    raw = b"" if key is None else key.raw
    return digest_of(*(digest_of(x) for x in (cover, published.text, published.signature, raw)))
