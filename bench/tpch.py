"""How long the 22 queries of TPC-H take over five offices, and how much travels.

    python bench/tpch.py [--scale tiny|small] [--json FILE]

Brings `examples/tpch` up and asks each query once, over cold plans. Planning is measured apart, as
the fastest of several cold plans: what a machine does beside it says nothing about the planner.
Prints; asserts nothing.
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import describe_machine

from narrows.client import Client, Credential, connect
from narrows.client.question import make_ask
from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan
from narrows.folder.load import load_folder
from narrows.local.state import GATEWAY, State
from narrows.local.up import Wanted, bring_up, take_down

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "tpch"
QUERIES = {path.stem: path.read_text() for path in sorted((FOLDER / "queries").glob("*.sql"))}
DEADLINE_S = 60
PLANS = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: its planning, its answer, and what travelled for it."""

    name: str
    plan_ms: float
    answer_s: float
    rows_travelled: int
    row_count: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=["tiny", "small"], default="tiny")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="narrows-tpch-") as place:
        state = State(Path(place))
        bring_up(state, Wanted(FOLDER, asked.scale), print)
        try:
            found = asyncio.run(ask_all(state))
        finally:
            take_down(state, print)
    print(f"\nTPC-H at scale {asked.scale}", *describe_machine(), sep="\n")
    print("query   plan ms   answer s   rows travelled   rows")
    for one in found:
        print(
            f"{one.name}   {one.plan_ms:9.1f}  {one.answer_s:9.2f}   {one.rows_travelled:14,}"
            f"   {one.row_count:4}"
        )
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1))


async def ask_all(state: State) -> list[Asked]:
    """Each query, asked once."""
    catalog = load_folder(FOLDER).catalog
    credential = Credential.load(state.member("analyst"))
    async with connect(state.place(GATEWAY).address, credential=credential) as client:
        return [await ask_one(client, catalog, *query) for query in QUERIES.items()]


async def ask_one(client: Client, catalog: Catalog, name: str, sql: str) -> Asked:
    """One query, planned several times and asked once."""
    ask = make_ask(sql, purpose="trade_statistics", form="list", deadline=DEADLINE_S)
    started_s = time.perf_counter()
    found = await client.answer_to(ask)
    answer_s = time.perf_counter() - started_s
    travelled = sum(report.row_count for report in found.agencies)
    return Asked(name, fastest_plan_ms(sql, catalog), answer_s, travelled, found.table.num_rows)


def fastest_plan_ms(sql: str, catalog: Catalog) -> float:
    """The time of the fastest of several cold plans."""
    fastest_s = float("inf")
    for _ in range(PLANS):
        started_s = time.perf_counter()
        plan(sql, {}, catalog, "list")
        fastest_s = min(fastest_s, time.perf_counter() - started_s)
    return fastest_s * 1000


if __name__ == "__main__":
    main()
