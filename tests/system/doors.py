"""The calls of the door tests: a request as signed, and what gateway and node say to a caller."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from narrows.client import Credential
from narrows.client.sign import Requesting, sign_request
from narrows.core.exchange import BoundForm, NodeAnswer, NodeQuestion
from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.plan import PlanCache
from narrows.core.policy.bind import bind
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.form import encode_bound
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName
from narrows.gateway.asking import HolderPlan, PartDecision
from narrows.gateway.exchange import open_for
from narrows.local.state import GATEWAY
from narrows.local.up import peer_of_place
from narrows.wire.calls import GatewayCalls, NodeCalls, open_channel
from tests.system.processes import Running, by_card

NODE = "harbour"


def signed(federation: Running, member: str = "riverside", **changes: object) -> SignedRequest:
    """A request as that member's own client signs it, or with a part of the client changed."""
    credential = Credential.load(federation.state.member(member))
    by = Requesting(
        agency=credential.member,
        gateway=GATEWAY,
        catalog=federation.federation.catalog,
        key=credential.key,
        plans=PlanCache(),
        clock=lambda: datetime.now(UTC),
        random=os.urandom,
    )
    return sign_request(by_card(), replace(by, **changes))  # type: ignore[arg-type]


def question(federation: Running, request: SignedRequest) -> NodeQuestion:
    """What an honest gateway sends to the node for this request."""
    catalog = federation.federation.catalog
    node = federation.federation.members[MemberName(NODE)].node
    assert node is not None
    fragment = decode_fragment(request.opened("fragments/0") or b"", catalog)
    who = Circumstances(
        Requester(MemberName("riverside"), "library", "CAN"),
        by_card().purpose,
        "lookup",
        datetime.now(UTC).date(),
        frozenset(["officer"]),
    )
    decision = decide(node.policy, catalog, fragment, who)
    bound = bind(node.policy, catalog, fragment, who, decision)
    plan = HolderPlan(catalog.holders[0], (PartDecision(0, None, decision, bound),))
    return NodeQuestion(
        open_for(request, plan), (BoundForm(0, encode_bound(bound), node.policy.version),)
    )


async def at_node(
    federation: Running, asked: NodeQuestion, identity: Path | None = None
) -> NodeAnswer:
    """The node's answer to whoever has that identity; the gateway's, if none is given."""
    place = federation.place(NODE)
    peer = peer_of_place(place, federation.federation.name)
    async with open_channel(place.address, identity or federation.state.gateway(), peer) as channel:
        return await NodeCalls(channel).answer(asked, "", 10)


async def at_gateway(federation: Running, request: SignedRequest, identity: Path) -> None:
    """Nothing, when the gateway answered whoever has that identity."""
    place = federation.place(GATEWAY)
    peer = peer_of_place(place, federation.federation.name)
    async with open_channel(place.address, identity, peer) as channel:
        await GatewayCalls(channel).ask(request, 10)
