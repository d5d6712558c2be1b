"""The nodes that a gateway knows: channels, ledger keys and policies, kept up to date.

One channel per node stays open. Policies are fetched from the nodes, verified under the policy
keys of the directory, and kept on the disk, so that a gateway that starts while a node is away
still decides for it. An older version than was seen is never taken.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from narrows.core.catalog import Catalog
from narrows.core.directory import Directory, Endpoint, Peer, ledger_name
from narrows.core.ledger.note import Verifier
from narrows.core.policy.model import Policy
from narrows.core.publishing import (
    PublishedPolicy,
    decode_published,
    encode_published,
    open_policy,
)
from narrows.core.terms import Holder, MemberName
from narrows.errors import BadFederation, NarrowsError
from narrows.store.files import DiskFiles
from narrows.store.keys import VerifyingKey, verify_signature
from narrows.wire.calls import NodeCalls, open_channel

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
    """Every holder's node. `calls`, `verifiers` and `policies` are live: they change in place."""

    def __init__(
        self, identity: Path, catalog: Catalog, directory: Callable[[], Directory]
    ) -> None:
        self.calls: dict[Holder, NodeCalls] = {}
        self.verifiers: dict[Holder, Verifier] = {}
        self.policies: dict[Holder, Policy] = {}
        self._identity = identity
        self._catalog = catalog
        self._directory = directory
        self._files = DiskFiles(identity / "policies")
        self._endpoints: dict[Holder, Endpoint] = {}
        self._channels: dict[Holder, grpc.aio.Channel] = {}
        self._known: dict[Holder, Known] = {}
        self._stale: set[Holder] = set()
        self._woken = asyncio.Event()
        self._closing: set[asyncio.Future[None]] = set()

    def open(self) -> None:
        """Nothing; channels are open, and the policies on the disk are known."""
        self._files.lock()
        self._follow_directory()
        for holder in self._catalog.holders:
            data = self._files.load(f"{holder}.json")
            if data is None:
                continue
            try:
                self._take(holder, decode_published(data))
            except BadFederation as error:
                _warn(error)

    def published(self) -> tuple[PublishedPolicy, ...]:
        """Every policy that is known, by holder."""
        return tuple(self._known[holder].published for holder in sorted(self._known))

    def distrust(self, holder: Holder) -> None:
        """Nothing; the holder's policy is fetched anew at once: its node decides under another."""
        self._stale.add(holder)
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
            self._take(holder, found.policy)

    def _take(self, holder: Holder, published: PublishedPolicy) -> None:
        """Nothing; a policy that verifies and is no older than the known one is in force."""
        try:
            policy = open_policy(published, self._catalog, self._directory(), verify_signature)
        except BadFederation as error:
            _warn(error)
            return
        known = self._known.get(holder)
        if policy.agency != holder or (known and policy.version < known.policy.version):
            logging.getLogger("narrows").error("an older policy of `%s` is not taken", holder)
            return
        if known and policy.version == known.policy.version and policy != known.policy:
            # Else two texts under one version could not be told apart in any ledger.
            logging.getLogger("narrows").error("`%s` changed its policy in secret", holder)
            return
        if known is None or policy.version > known.policy.version:
            self._keep(holder, published)
            self._known[holder] = Known(policy, published)
            self.policies[holder] = policy

    def _keep(self, holder: Holder, published: PublishedPolicy) -> None:
        try:
            self._files.replace(f"{holder}.json", encode_published(published))
        except OSError:
            # The policy is in force all the same; only a start without its node must do without.
            logging.getLogger("narrows").warning("the policy of `%s` cannot be kept", holder)

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
