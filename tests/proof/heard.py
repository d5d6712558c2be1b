"""All that is heard of a walk: by gateway, requester, and whoever reads open ledgers and budgets."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from narrows.client.question import Ask
from narrows.core.canonical import Json
from narrows.core.exchange import NodeAnswer
from narrows.core.policy.budget import Counter
from narrows.core.policy.model import Policy
from narrows.core.terms import Holder, Purpose
from narrows.errors import NarrowsError
from narrows.node.budgets import Budgets
from narrows.node.cubes import Cubes
from narrows.node.noise import OpenDpNoise
from narrows.store.editions import Editions
from narrows.store.ledger import Ledger
from narrows.wire.node import node_answer_parts
from tests.proof.asking import Side, World, pseudonym
from tests.proof.spec import CUBE
from tests.proof.stores import NOON
from tests.proof.walking import Walk
from tests.system.federation import Federation, LocalNode, Setting, federation

_APART = frozenset(("as_of", "received_at", "asked", "receipt", "duration_ms"))
"""What of an entry differs between two requests for the same, whatever is held."""
_OFFICERS = ("4471", "4472")


@dataclass(slots=True)
class HeardOfWalk:
    """What is heard, under names and in order, and how much of it there is.

    `is_kept`: after a restart, the nodes would have counted of their budgets what they had before.
    """

    items: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]])
    answered: int = 0
    rows: int = 0
    spent: int = 0
    is_kept: bool = True

    def first_difference(self, other: "HeardOfWalk") -> str:
        """Where two walks part, in words; empty where nobody could tell them apart."""
        for one, two in zip(self.items, other.items, strict=False):
            if one != two:
                return f"{one}\n{two}"
        return "" if len(self.items) == len(other.items) else "another number of observations"


@dataclass(frozen=True)
class _Drawn(Setting):
    """A federation of a drawn world."""

    drawn: Mapping[Holder, Policy] = field(default_factory=dict[Holder, Policy])

    def policies(self) -> dict[Holder, Policy]:
        return dict(self.drawn)


async def hear(folder: Path, walk: Walk, world: World, side: Side) -> HeardOfWalk:
    """What is heard of every question, and of what stays at the holders when all are asked."""
    heard, noted = HeardOfWalk(), dict[str, object]()
    setting = _Drawn(world.catalog, "", drawn=world.policies)
    await asyncio.to_thread(folder.mkdir, parents=True)
    async with federation(folder, {}, setting) as running:
        for holder, node in running.nodes.items():
            _furnish(node, holder, world, side)
            node.after = lambda answer, holder=holder: _noted(noted, holder, answer)  # type: ignore[misc]
            if walk.drawn.form == "count":
                await _publish(walk, world, side, (folder, holder, node))
        for number, sql in enumerate(walk.drawn.questions):
            noted.clear()
            officer = _OFFICERS[number % len(_OFFICERS)]
            ask = Ask(
                sql, {}, Purpose("inquiry"), "unit", {"officer": officer}, world.form, partial=True
            )
            said, rows = await _answered(running, ask)
            heard.items += [(sql, said), *sorted(noted.items())]
            heard.answered += len(noted)
            heard.rows += rows
            heard.spent += "is spent" in str(said)
        heard.items.append(("gateway's ledger", _entered(running.gateway.ledger)))
        for holder, node in running.nodes.items():
            heard.items.append((f"ledger of {holder}", _entered(node.parts.ledger)))
            kept = Budgets()
            kept.rebuild(node.parts.ledger, running.clock())
            heard.items.append((f"budgets of {holder}", _counted(node.parts.budgets)))
            heard.is_kept &= _counted(kept) == _counted(node.parts.budgets)
    return heard


def _furnish(node: LocalNode, holder: Holder, world: World, side: Side) -> None:
    """Nothing; the node reads that side's database, and draws pseudonyms as the other's does."""
    node.parts = replace(
        node.parts,
        engine=side.stores[holder].engine,
        mapping=side.mappings[holder],
        pseudonym=pseudonym,
    )


async def _publish(
    walk: Walk, world: World, side: Side, where: tuple[Path, Holder, LocalNode]
) -> None:
    """Nothing; the node shows its cube: of its tables, or after an edition of the earlier ones."""
    folder, holder, node = where
    parts, store = node.parts, side.stores[holder]
    editions = Editions(folder / f"{holder}.editions")
    given = world.policies[holder]
    cubes = Cubes(
        world.catalog, lambda: given, parts.mapping, store.engine, parts.ledger, editions,
        OpenDpNoise(), lambda: NOON,
    )  # fmt: skip
    node.parts = replace(parts, cubes=cubes)
    if walk.is_second:
        store.fill(walk.drawn.pairs[holder].one, world.catalog)
        await cubes.build(CUBE)
        store.fill(side.tables[holder], world.catalog)
    await cubes.build(CUBE)


async def _answered(running: Federation, ask: Ask) -> tuple[object, int]:
    """The answer, or the error instead of it; and how many rows came."""
    try:
        found = await running.ask(ask)
    except NarrowsError as error:
        return (type(error).__name__, error.reason, str(error)), 0
    reports = [
        (
            one.holder,
            one.outcome,
            one.reasons,
            one.narrowed,
            one.withheld,
            one.row_count,
            one.byte_count,
        )
        for one in found.holders
    ]
    said = (found.columns, found.batches, found.withheld_because, found.caveats, reports)
    return said, found.row_count


def _noted(noted: dict[str, object], holder: Holder, answer: NodeAnswer) -> NodeAnswer:
    """The answer, once its bytes on the wire are noted."""
    *batches, trailer = node_answer_parts(answer)
    fragments = [one.SerializeToString(deterministic=True) for one in trailer.trailer.fragments]
    wire = [one.SerializeToString(deterministic=True) for one in batches]
    noted[f"sent by {holder}"] = (wire, fragments)
    return answer


def _entered(ledger: Ledger) -> object:
    """The open part of every entry, and which fields are sealed in it."""
    entries = [ledger.entry(index) for index in range(ledger.size)]
    return [(one.kind, _without(dict(one.open)), sorted(one.sealed)) for one in entries]


def _without(value: Json) -> Json:
    match value:
        case dict():
            return {name: _without(one) for name, one in value.items() if name not in _APART}
        case list():
            return [_without(one) for one in value]
    return value


def _counted(budgets: Budgets) -> Mapping[Counter, object]:
    """What was taken from each counter: how many requests, and the tokens of what was asked."""
    return {
        counter: (spent.requests, sorted(spent.literals), sorted(spent.persons.items()))
        for counter, spent in budgets._spent.items()
    }
