"""A question asked of a federation through the real code, and all that anybody could hear of it."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from narrows.core.catalog import Catalog
from narrows.core.entries import decided
from narrows.core.ledger.parts import Asked, Disclosure, Released, draft
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import Split
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Circumstances, Decision, Requester
from narrows.core.policy.form import encode_bound
from narrows.core.policy.gaps import why_withheld
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.together import decide_together
from narrows.core.terms import ColumnType, Holder, MemberName, Purpose, RelationName, TypedValue
from narrows.engines.arrow import build_batches, schema_of
from narrows.errors import NarrowsError
from narrows.node.compile import compile_bound, types_in
from narrows.node.release import released_rows
from tests.proof.merging import merge
from tests.proof.schema import HOLDERS
from tests.proof.spec import Spec, spell_policy
from tests.proof.stores import NOON, Store, Stores, mapping_of
from tests.proof.views import Asker, Tables

_ASKED = Asked(
    MemberName("vpd"), "unit", Purpose("inquiry"), "lookup", None, datetime(2026, 6, 1, tzinfo=UTC),
    "{}", (),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """What a question comes to: for requester, gateway, and readers of open ledger parts.

    `items` are named observations; `wire` is every batch that left a node, byte for byte.
    """

    items: tuple[tuple[str, object], ...]
    wire: tuple[bytes, ...] = ()
    released: bool = False

    def first_difference(self, other: "Heard") -> str:
        """Where two answers part, in words; empty where nobody could tell them apart."""
        for (name, one), (also, two) in zip(self.items, other.items, strict=False):
            if (name, one) != (also, two):
                return f"{name}: {one!r}\n{also}: {two!r}"
        if len(self.items) != len(other.items):
            return "another number of observations"
        return "" if self.wire == other.wire else "bytes on the wire"

    @property
    def answer(self) -> object:
        """The answer, or the error instead of it."""
        return self.items[-1][1]

    @property
    def gaps(self) -> object:
        """The holders that gave nothing, where the others' rows were given all the same."""
        return dict(self.items).get("gaps")

    def holds(self, canary: bytes) -> bool:
        """Whether the bytes stand in anything that was heard."""
        said = json.dumps([str(item) for item in self.items], ensure_ascii=False).encode()
        return canary in said or any(canary in one for one in self.wire)


@dataclass(frozen=True, slots=True)
class World:
    """A catalog, the policy of each holder as its node reads it, and who asks in which form."""

    catalog: Catalog
    policies: Mapping[Holder, Policy]
    form: str
    asker: Asker

    @property
    def circumstances(self) -> Circumstances:
        """What decides apart from the fragment."""
        who = self.asker
        return Circumstances(
            Requester(MemberName(who.member), who.member_class, who.country),
            Purpose(who.purpose),
            self.form,
            who.day,
            frozenset(("officer", "grounds")),
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One federation: a store for each holder, filled."""

    stores: Mapping[Holder, Store]
    mappings: Mapping[Holder, Mapping[RelationName, str]]
    tables: Mapping[Holder, Tables]


def make_world(catalog: Catalog, specs: Mapping[Holder, Spec], form: str, asker: Asker) -> World:
    """The world in which holders have these policies; they are written out and read."""
    policies = {
        holder: parse_policy(spell_policy(specs[holder], holder), catalog, f"{holder}.yaml")
        for holder in HOLDERS
    }
    return World(catalog, policies, form, asker)


def fill_side(
    stores: Stores, engines: Sequence[str], tables: Mapping[Holder, Tables], catalog: Catalog,
    side: str,
) -> Side:  # fmt: skip
    """A federation with these tables."""
    made: dict[Holder, Store] = {}
    for holder, engine in zip(HOLDERS, engines, strict=True):
        made[holder] = stores.at(engine, f"{side}-{holder}")
        made[holder].fill(tables[holder], catalog)
    mappings = {holder: mapping_of(catalog, tables[holder]) for holder in HOLDERS}
    return Side(made, mappings, tables)


class Federations:
    """Asks the same of several federations; plans are cached as a gateway caches them."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._plans = PlanCache()

    def ask(self, sql: str, world: World, side: Side) -> Heard:
        """What is heard of the question."""
        try:
            split = self._plans.plan(sql, {}, world.catalog)
            day = {TODAY_SLOT: TypedValue(ColumnType.DATE, world.asker.day)}
            fragments = split.fill(day)
        except NarrowsError as error:
            return Heard((("error", _said(error)),))
        return _Round(self._stores, world, side, split, fragments).heard()


class _Round:
    """One question on its way."""

    def __init__(
        self, stores: Stores, world: World, side: Side, split: Split,
        fragments: Sequence[Fragment],
    ) -> None:  # fmt: skip
        self.stores, self.world, self.side = stores, world, side
        self.split, self.fragments = split, fragments
        self.items: list[tuple[str, object]] = []
        self.batches: dict[int, list[bytes]] = {}
        self.decisions: dict[Holder, dict[int, Decision]] = {}
        self.bounds: dict[Holder, dict[int, BoundFragment]] = {}

    def heard(self) -> Heard:
        for holder in self.world.catalog.holders:
            self.decide(holder)
        refusing = {
            holder
            for holder, found in self.decisions.items()
            if any(not one.releases for one in found.values())
        }
        withheld = self.why_withheld(refusing)
        gaps = set(refusing)
        if not withheld:
            gaps |= {
                holder for holder, found in self.bounds.items() if not self.read(holder, found)
            }
            withheld = self.why_withheld(gaps)
        wire = tuple(one for _, found in sorted(self.batches.items()) for one in found)
        self.items.append(("gaps", sorted(gaps)))
        self.items.append(("answer", withheld or self.merged()))
        return Heard(tuple(self.items), wire, released=bool(wire))

    def decide(self, holder: Holder) -> None:
        world = self.world
        asked = {
            index: fragment
            for index, (part, fragment) in enumerate(
                zip(self.split.parts, self.fragments, strict=True)
            )
            if part.asked(holder) is None
        }
        judged = decide_together(
            world.policies[holder], world.catalog, [*asked.values()], world.circumstances
        )
        for index, (decision, bound) in zip(asked, judged, strict=True):
            self.decisions.setdefault(holder, {})[index] = decision
            form = "" if bound is None else hashlib.sha256(encode_bound(bound)).hexdigest()
            self.items.append((f"{holder}/{index} decided", (str(decision), form)))
            if bound is not None:
                self.bounds.setdefault(holder, {})[index] = bound

    def read(self, holder: Holder, bounds: Mapping[int, BoundFragment]) -> bool:
        """Whether the holder's node answers; what it sends is noted."""
        try:
            sent = self.at_node(holder, bounds)
        except NarrowsError as error:
            self.items.append((f"{holder} error", _said(error)))
            return False
        for index, batches in sent.items():
            self.batches.setdefault(index, []).extend(batches)
        return True

    def at_node(
        self, holder: Holder, bounds: Mapping[int, BoundFragment]
    ) -> dict[int, list[bytes]]:
        """As `node/answer.py`: one snapshot, masked rows, batches, and an entry about them."""
        engine, catalog = self.side.stores[holder].engine, self.world.catalog
        statements = [
            compile_bound(
                bound, self.side.mappings[holder], engine.dialect, types_in(bound, catalog)
            )
            for bound in bounds.values()
        ]
        reading = self.stores.run(engine.run(statements, 20))
        sent: dict[int, list[bytes]] = {}
        released: list[Released] = []
        for (index, bound), rows in zip(bounds.items(), reading.rows, strict=True):
            kept = released_rows(bound, rows, pseudonym)
            schema = schema_of(bound.columns_that_leave)
            sent[index] = build_batches(kept, schema)
            names = tuple(output.name for output in bound.outputs)
            released.append(Released(index, names, len(kept), len(sent[index])))
        decisions = tuple(
            decided(holder, index, one) for index, one in self.decisions[holder].items()
        )
        part = Disclosure(
            _ASKED, MemberName("vpd"), MemberName("gateway"), catalog.digest, decisions,
            tuple(released), reading.as_of, NOON,
        )  # fmt: skip
        self.items.append((f"{holder} entered", json.dumps(draft(part).open, sort_keys=True)))
        return sent

    def why_withheld(self, gaps: set[Holder]) -> str:
        asked = {holder: list(found) for holder, found in self.decisions.items()}
        missing = [holder for holder in self.world.catalog.holders if holder in gaps]
        return why_withheld(self.split, asked, missing, partial=True)

    def merged(self) -> object:
        """As `gateway/merging.py` and a worker: columns with their types, rows in order."""
        tables = [
            (columns_of_fragment(one, self.world.catalog), self.batches.get(n, []))
            for n, one in enumerate(self.fragments)
        ]
        day = {TODAY_SLOT: TypedValue(ColumnType.DATE, self.world.asker.day)}
        found = merge(self.stores.merges, self.split, tables, day)
        if isinstance(found, str):
            return ("merge failed", found)
        named = [name for name, _ in found.columns]
        rows = [repr(dict(zip(named, row, strict=True))) for row in found.rows]
        return ([(name, kind.value) for name, kind in found.columns], rows)


def pseudonym(scope: str, value: str) -> str:
    """A word for a value, as a holder's key would make it."""
    digest = hashlib.sha256(f"{scope}\0{value}".encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()


def _said(error: NarrowsError) -> tuple[str, ...]:
    return (type(error).__name__, error.reason, error.message, str(error))
