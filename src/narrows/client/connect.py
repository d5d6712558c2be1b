"""A connection to a gateway: ask and explain, signed here and verified here.

The gateway is believed in nothing: its directory must be signed by the root key, its catalog must
be the one that the directory names, and every answer passes `evidence.verify_answer`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from narrows.client.acknowledging import Acknowledging
from narrows.client.answer import Answer
from narrows.client.credential import Credential
from narrows.client.evidence import Expected, verify_answer
from narrows.client.journal import Journal
from narrows.client.merging import Merging
from narrows.client.question import Ask, How, Values, make_ask
from narrows.client.sign import Requesting, sign_request
from narrows.client.trust import ledger_verifiers
from narrows.core.catalog import Catalog, decode_catalog
from narrows.core.directory import Directory, Peer, decode_directory
from narrows.core.exchange import Explanation, GatewayDescription
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.request import AT_REQUESTER, SignedRequest
from narrows.core.terms import ColumnType, MemberName, RequestId
from narrows.errors import BadFederation, NarrowsError, PlannerDiffers
from narrows.store.keys import verify_signature
from narrows.wire.calls import GatewayCalls, open_channel

GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Federation:
    """What a gateway told of the federation, verified."""

    catalog: Catalog
    directory: Directory
    gateway: MemberName
    description: GatewayDescription


@asynccontextmanager
async def connect(
    endpoint: str,
    *,
    credential: Credential,
    gateway: str = GATEWAY,
    journal: Path | None = None,
) -> AsyncIterator["Client"]:
    """A client of the gateway at `endpoint` (`host:port`), closed at the end.

    `journal` names the file in which the requester keeps its own intents. At the end pending
    acknowledgements are waited for.
    Raises: NodeUnavailable, BadFederation, PlannerDiffers.
    """
    credential.require_valid(_now())
    peer = Peer(credential.peer.federation, "gateway", MemberName(gateway))
    async with open_channel(endpoint, credential.folder, peer) as channel:
        calls = GatewayCalls(channel)
        federation = _verified(await calls.describe(), credential, peer)
        client = Client(
            calls, credential, federation, None if journal is None else Journal(journal)
        )
        try:
            yield client
        finally:
            await client.close()


class Client:
    """A member's connection; made by `connect`."""

    def __init__(
        self,
        calls: GatewayCalls,
        credential: Credential,
        federation: Federation,
        journal: Journal | None,
    ) -> None:
        self.federation = federation
        self._calls = calls
        self._journal = journal
        self._verifiers = ledger_verifiers(federation.directory)
        self._plans = PlanCache()
        self._by = Requesting(
            agency=credential.member,
            gateway=federation.gateway,
            catalog=federation.catalog,
            key=credential.key,
            plans=self._plans,
            clock=_now,
            random=os.urandom,
        )
        self._person = credential.person
        self._acknowledging = Acknowledging(calls, self._by, self._note)
        self._merging = Merging(credential, federation.catalog)

    async def ask(self, sql: str, params: Values | None = None, **how: Unpack[How]) -> Answer:
        """The answer to a freshly signed question, verified; `how` is explained by `How`.

        A refusal by policy is an answer, with its reasons in `agencies`.
        Raises: MalformedQuery, UnsupportedQuery before anything is sent; what fails at the
        gateway's door; ProofInvalid or CheckFailed for an answer that cannot be believed.
        """
        return await self.answer_to(make_ask(sql, params, **how))

    async def explain(
        self, sql: str, params: Values | None = None, **how: Unpack[How]
    ) -> Explanation:
        """What the question would do at each agency; no data and no ledger is touched.

        Raises: as `ask`.
        """
        return await self.explanation_of(make_ask(sql, params, **how))

    async def explanation_of(self, ask: Ask) -> Explanation:
        """As `explain`, for a question that is made already."""
        return await self._calls.explain(self._sign(ask), ask.deadline_s)

    async def answer_to(self, ask: Ask) -> Answer:
        """As `ask`, for a question that is made already."""
        request = self._sign(ask)
        if self._journal:
            self._journal.intent(request, _now())
        try:
            received = await self._calls.ask(request, ask.deadline_s)
            split = self._plans.plan(ask.sql, _types(ask), self.federation.catalog, ask.form)
            found = verify_answer(
                received,
                Expected(
                    request,
                    split,
                    self.federation.gateway,
                    self.federation.catalog.holders,
                    self._verifiers,
                ),
            )
            if ask.merge_at == AT_REQUESTER and found.is_answered:
                found = await self._merging.merge(received, found, request, split, ask)
        except NarrowsError as error:
            self._note(request.id, "failed", error.reason)
            raise
        self._note(request.id, "answered")
        self._acknowledging.add(found)
        return found

    def _sign(self, ask: Ask) -> SignedRequest:
        return sign_request(ask, self._by, self._person(ask.sign_as) if ask.sign_as else None)

    async def close(self) -> None:
        """Nothing, when every acknowledgement is sent, or given up, and no worker is left."""
        await self.settle()
        await self._merging.close()

    async def settle(self) -> None:
        """Nothing, when every acknowledgement is sent, or given up."""
        await self._acknowledging.settle()

    def _note(self, request: RequestId, event: str, reason: str = "") -> None:
        if self._journal:
            self._journal.note(request, event, _now(), reason)


def _verified(found: GatewayDescription, credential: Credential, peer: Peer) -> Federation:
    directory = decode_directory(found.directory, credential.root, verify_signature, now=_now())
    catalog = decode_catalog(found.catalog)
    if directory.federation != peer.federation or found.gateway != peer.name:
        message = "the gateway is another one, or of another federation, than was meant"
        raise BadFederation(message, hint="check the endpoint and the credential")
    if peer.name not in directory.gateways:
        message = f"the directory names no gateway `{peer.name}`"
        raise BadFederation(message, hint="name a gateway that it does")
    if catalog.digest != directory.catalog:
        message = "the gateway's catalog is not the one that the directory names"
        raise BadFederation(message, hint="tell whoever runs the gateway")
    if found.planner != PLANNER_VERSION:
        raise PlannerDiffers(
            "gateway and client split questions with different planners",
            hint="bring both to one version",
            metadata={"gateway": found.planner, "client": PLANNER_VERSION},
        )
    return Federation(catalog, directory, peer.name, found)


def _types(ask: Ask) -> dict[str, ColumnType]:
    return {name: value.type for name, value in ask.parameters.items()}


def _now() -> datetime:
    return datetime.now(UTC)
