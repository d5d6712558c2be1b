"""What each rule of the planner spares: rows and bytes that leave the holders, with and without it.

    python bench/travel.py [--scale tiny|small] [--json FILE]

Asks the 22 queries of `examples/tpch` of every office, in this process, without sockets and ledgers:
each plan is decided, bound, compiled, read and put into batches as a node does it. A rule is taken
out of the planner for one column of the table; the answer stays the same, and only the cost changes.
Prints; asserts nothing.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from unittest.mock import patch

from measure import describe_machine

from narrows.core.catalog import Catalog
from narrows.core.plan import fragmenting, split
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.plan import plan
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.finish import no_pseudonym
from narrows.core.sql import tree
from narrows.core.terms import Holder, MemberName, Purpose
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.protocol import Engine
from narrows.folder.load import Federation, Node, load_folder
from narrows.local.state import State
from narrows.local.up import make_data
from narrows.node.compile import compile_bound, types_in
from narrows.node.release import released_rows
from narrows.node.run import mapping_for, open_engine

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "tpch"
QUERIES = {path.stem: path.read_text() for path in sorted((FOLDER / "queries").glob("*.sql"))}
ANALYST = Requester(MemberName("analyst"), "research", "CAN")
ASKED = Circumstances(
    ANALYST, Purpose("trade_statistics"), "list", date(2026, 6, 1), frozenset({"officer"})
)
READ_S = 120


@dataclass(frozen=True, slots=True)
class Travelled:
    """What left all holders for one query, and how long reading and batching took them together."""

    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Office:
    """One holder: what it declares, and its database."""

    holder: Holder
    node: Node
    path: Path
    engine: Engine


class _NothingGathered:
    """In the place of the rules that gather and rank."""

    def __init__(self, drafts: object, catalog: Catalog) -> None:
        assert drafts is not None
        assert catalog is not None

    def query(self, query: tree.Query) -> tree.Query:
        """The query as it is."""
        return query


@contextmanager
def without(rule: str) -> Iterator[None]:
    """The planner without one of its rules."""
    match rule:
        case "gathering":
            with patch.object(split, "Gathering", _NothingGathered):
                yield
        case "filters":
            with patch.object(fragmenting, "filter_of", lambda *_: None):
                yield
        case _:
            yield


RULES = ("", "gathering", "filters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=["tiny", "small"], default="tiny")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    federation = load_folder(FOLDER)
    with tempfile.TemporaryDirectory(prefix="narrows-travel-") as place:
        state = State(Path(place))
        make_data(federation, asked.scale, 7, state, print)
        found = asyncio.run(ask_all(federation, state.data))
    print(
        f"\nTPC-H at scale {asked.scale}: rows and kB that leave the holders, seconds at all of them"
    )
    print(*describe_machine(), sep="\n")
    print("query           as planned           without gathering            without filters")
    for name, by_rule in found.items():
        print(name, *(_figures(by_rule[rule]) for rule in RULES), sep="  ")
    total = {rule: sum(one[rule].bytes for one in found.values()) for rule in RULES}
    print("all ", *(f"{total[rule] // 1000:>19,} kB       " for rule in RULES))
    if asked.json is not None:
        plain = {
            name: {rule or "all": asdict(one) for rule, one in by_rule.items()}
            for name, by_rule in found.items()
        }
        asked.json.write_text(json.dumps(plain, indent=1))


def _figures(found: Travelled) -> str:
    return f"{found.rows:>9,} {found.bytes // 1000:>8,} {found.seconds:6.2f}"


async def ask_all(federation: Federation, data: Path) -> dict[str, dict[str, Travelled]]:
    """Each query under each rule."""
    offices = [
        Office(Holder(name), one.node, data / one.node.database, _opened(one.node, data))
        for name, one in federation.members.items()
        if one.node is not None
    ]
    try:
        return {
            name: {rule: await ask_one(sql, rule, federation.catalog, offices) for rule in RULES}
            for name, sql in QUERIES.items()
        }
    finally:
        for office in offices:
            office.engine.close()


def _opened(node: Node, data: Path) -> Engine:
    return open_engine(node.engine, data / node.database, connections=1)


async def ask_one(sql: str, rule: str, catalog: Catalog, offices: list[Office]) -> Travelled:
    """What leaves every office for one query."""
    with without(rule):
        planned = plan(sql, {}, catalog, "list")
    total = Travelled()
    for part, fragment in zip(planned.parts, planned.fill({}), strict=True):
        for office in offices:
            if part.asked(office.holder) is None:
                one = await _leaving(fragment, office, catalog)
                total = Travelled(
                    total.rows + one.rows,
                    total.bytes + one.bytes,
                    total.seconds + one.seconds,
                )
    return total


async def _leaving(fragment: Fragment, office: Office, catalog: Catalog) -> Travelled:
    decision, bound = decide_and_bind(office.node.policy, catalog, fragment, ASKED)
    if bound is None:
        raise SystemExit(f"{office.holder} refuses: {decision.reasons}")
    started_s = time.perf_counter()
    rows, size = await _read(bound, office, catalog)
    return Travelled(rows, size, time.perf_counter() - started_s)


async def _read(bound: BoundFragment, office: Office, catalog: Catalog) -> tuple[int, int]:
    mapping = mapping_for(office.node, office.path)
    statement = compile_bound(bound, mapping, office.engine.dialect, types_in(bound, catalog))
    reading = await office.engine.run([statement], READ_S)
    rows = released_rows(bound, reading.rows[0], no_pseudonym)
    batches = build_batches(rows, schema_of(bound.columns_that_leave))
    return len(rows), sum(map(len, batches))


if __name__ == "__main__":
    main()
