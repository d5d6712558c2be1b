"""What passes between the steps of a node's half: what it is made of, a question, its verdicts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from narrows.core.admission import Admitted, Door, VerifySignature
from narrows.core.catalog import Catalog
from narrows.core.directory import Directory
from narrows.core.entries import sealed_fields
from narrows.core.exchange import NodeQuestion
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Decision
from narrows.core.policy.finish import Pseudonym
from narrows.core.policy.model import Agreement, Grant, Policy
from narrows.core.policy.tokens import Token
from narrows.core.terms import Holder, MemberName, RelationName, RequestId
from narrows.engines.protocol import Engine
from narrows.node.budgets import Budgets
from narrows.node.cubes import Cubes
from narrows.node.tokens import Sealing
from narrows.store.ledger import Ledger
from narrows.telemetry.setup import Telemetry


@dataclass(frozen=True, slots=True)
class Arrival:
    """A question and how it came: `via` is the gateway's name, from its certificate."""

    question: NodeQuestion
    via: MemberName
    received_at: datetime


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of; clock and keys come in, so that a test can hold them.

    `policy` gives the version in force on a day, `token` what makes the tokens of a year.
    """

    holder: Holder
    catalog: Catalog
    door: Door
    directory: Callable[[], Directory]
    policy: Callable[[date], Policy]
    mapping: Mapping[RelationName, str]
    engine: Engine
    ledger: Ledger
    telemetry: Telemetry
    verify: VerifySignature
    clock: Callable[[], datetime]
    pseudonym: Pseudonym
    token: Callable[[int], Token]
    budgets: Budgets
    cubes: Cubes
    in_flight: set[RequestId]
    """Requests that are being answered now: a repeat that comes meanwhile is turned away."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ruling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a ruling is judged and entered, so that none is judged without the one before."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One fragment, its decision, and its bound form where the decision releases."""

    index: int
    fragment: Fragment
    decision: Decision
    bound: BoundFragment | None
    agreement: Agreement | None
    grant: Grant | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may leave, as `relation.column`."""
        return tuple(
            f"{self.fragment.relation_of(output.column.alias)}.{output.column.column}"
            for output in self.fragment.outputs
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One admitted question at this node, the version that decides it, and what entries seal."""

    admitted: Admitted
    arrival: Arrival
    node: NodeParts
    trace_id: str
    policy: Policy
    sealing: Sealing

    @property
    def sealed(self) -> dict[str, bytes]:
        """The sealed part of every entry about it."""
        return sealed_fields(self.admitted.request, self.trace_id) | self.sealing.fields
