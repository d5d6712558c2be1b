"""What a requester says that it received: entered here, and passed on to each node named."""

import asyncio
from collections.abc import Mapping, Sequence

from narrows.core.answer import SignedAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.errors import CheckFailed, NarrowsError
from narrows.gateway.answer import GatewayParts
from narrows.serving.acknowledge import Given, enter_acknowledgement
from narrows.wire.calls import NodeCalls

PASS_ON_S = 5.0


async def acknowledge(
    request: RequestId,
    found: Sequence[SignedAcknowledgement],
    gateway: GatewayParts,
    nodes: Mapping[Holder, NodeCalls],
) -> tuple[Receipt, tuple[Holder, ...]]:
    """The gateway's receipt, and the holders whose nodes entered theirs.

    Raises: CheckFailed where none or more than one is for the gateway, or one is for nobody.
    """
    mine = [one for one in found if one.recipient == gateway.name]
    others = {Holder(one.recipient): one for one in found if one.recipient != gateway.name}
    if len(mine) != 1 or len(others) != len(found) - 1 or not set(others) <= set(nodes):
        raise CheckFailed("each recipient is acknowledged once, and the gateway is among them")
    given = Given(gateway.ledger, MemberName(gateway.name), Kind.OUTCOME)
    receipt = await enter_acknowledgement(request, mine[0], gateway.directory(), given)
    entered = await asyncio.gather(
        *(_pass_on(nodes[holder], request, one) for holder, one in others.items())
    )
    return receipt, tuple(holder for holder, is_in in zip(others, entered, strict=True) if is_in)


async def _pass_on(node: NodeCalls, request: RequestId, one: SignedAcknowledgement) -> bool:
    """Whether the node entered it. One that did not shows in reconciliation."""
    try:
        await node.acknowledge(request, one, PASS_ON_S)
    except NarrowsError:
        return False
    return True
