"""What a requester says that it received: entered here, and passed on to each node named."""

import asyncio
from collections.abc import Mapping, Sequence

from narrows.core.answer import SignedAcknowledgement
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.terms import Holder, MemberName
from narrows.errors import NarrowsError
from narrows.gateway.answer import GatewayParts
from narrows.serving.acknowledge import MAX_AT_ONCE, Given, enter_acknowledgements
from narrows.wire.calls import NodeCalls

PASS_ON_S = 5.0


async def acknowledge(
    found: Sequence[SignedAcknowledgement],
    gateway: GatewayParts,
    nodes: Mapping[Holder, NodeCalls],
) -> tuple[EnteredAcknowledgement, ...]:
    """What was entered here and at the nodes; the rest shows in reconciliation.

    Raises: as `enter_acknowledgements`, for those that are meant for the gateway.
    """
    found = found[:MAX_AT_ONCE]
    mine = [one for one in found if one.recipient == gateway.name]
    others: dict[Holder, list[SignedAcknowledgement]] = {}
    for one in found:
        if (holder := Holder(one.recipient)) in nodes:
            others.setdefault(holder, []).append(one)
    given = Given(gateway.ledger, gateway.name, Kind.OUTCOME)
    entered = await enter_acknowledgements(mine, gateway.directory(), given)
    passed_on = await asyncio.gather(
        *(_pass_on(nodes[holder], holder, group) for holder, group in others.items())
    )
    return (*entered, *(one for group in passed_on for one in group))


async def _pass_on(
    node: NodeCalls, holder: Holder, group: Sequence[SignedAcknowledgement]
) -> tuple[EnteredAcknowledgement, ...]:
    """What the node says that it entered."""
    try:
        entered = await node.acknowledge(group, PASS_ON_S)
    except NarrowsError:
        return ()
    # Else a node could say that the gateway, or another node, entered what it did not.
    return tuple(one for one in entered if one.recipient == MemberName(holder))
