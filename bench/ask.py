"""How long one question takes, end to end, and where the time goes.

    python bench/ask.py [--seconds 6] [--clients 1,8,32] [--json FILE]

Brings `examples/canada` up at `tiny`, without its budgets and levelled answers, and asks Q1 and Q16
with parameters over a warm plan cache, each client in a closed loop, every answer verified and
acknowledged. Beside it, in the same run: what the disk, one empty call, and the same reads sent
straight to the databases take. Nothing is asserted: machines differ, and these numbers are noisy
on shared ones.
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from limits import measure_limits
from measure import (
    Latency,
    Load,
    cpu_seconds,
    describe_machine,
    memory_mb,
    percentiles,
    without_limits,
)

from narrows.client import Answer, Client, Credential, connect
from narrows.client.question import Ask, make_ask
from narrows.local.processes import find
from narrows.local.state import GATEWAY, State
from narrows.local.up import Wanted, bring_up, take_down
from narrows.telemetry.setup import read_steps

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 50
QUESTIONS = {
    "Q1": make_ask(
        "SELECT p.holder, p.surname, p.given_names, r.reg_status, r.risk_level FROM person p "
        "JOIN offender_registration r USING (holder, person_id) "
        "JOIN identifier i USING (holder, person_id) "
        "WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document AND i.issuer = 'CAN'",
        {"document": "ZZ123456"},
        purpose="sexual_crime_investigation",
        officer="4471",
        case="VA2026-104233",
        grounds="linked to an open file",
    ),
    "Q16": make_ask(
        "SELECT p.holder, p.birth_date, v.offence_family, v.contact FROM person p "
        "JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no) "
        "WHERE p.surname = :surname AND p.birth_date = :born AND w.role = 'SUSPECT'",
        {"surname": "TREMBLAY", "born": date(1981, 3, 7)},
        purpose="criminal_investigation",
        officer="4471",
        case="VA2026-104233",
        grounds="linked to an open file",
        agreement="agreement 2026-04 of the Nation, and with Quebec",
        authority="assessment 2026-11",
    ),
}


@dataclass(frozen=True, slots=True)
class Result:
    """One question under one load; `cpu_ms` is what each process spent on one question."""

    question: str
    clients: int
    load: Load
    cpu_ms: dict[str, float]


async def run(
    ask: Ask, clients: int, seconds: float, state: State
) -> tuple[Load, dict[str, float]]:
    """The load, and the processor time of each process for one question, in milliseconds."""
    home = state.member("vpd")
    credential, address = Credential.load(home), state.place(GATEWAY).address
    async with connect(address, credential=credential) as client:
        for _ in range(WARM_UP):
            _require(await client.answer_to(ask))
        before = _cpu(state)
        took: list[float] = []
        started = time.perf_counter()
        deadline = started + seconds
        await asyncio.gather(*(_loop(client, ask, deadline, took) for _ in range(clients)))
        elapsed = time.perf_counter() - started
        await client.settle()
        after = _cpu(state)
    spent = {name: (after[name] - before[name]) / len(took) * 1000 for name in before}
    return Load(Latency(*percentiles(took)), len(took) / elapsed, len(took)), spent


async def _loop(client: Client, ask: Ask, deadline: float, took: list[float]) -> None:
    while (now := time.perf_counter()) < deadline:
        _require(await client.answer_to(ask))
        took.append(time.perf_counter() - now)


def _require(answer: Answer) -> None:
    if answer.withheld_because or not answer.table.num_rows:
        raise SystemExit(f"the question was not answered: {answer.withheld_because}")


def _cpu(state: State) -> dict[str, float]:
    places = state.places(state.read())
    found = {place.name: cpu_seconds(found.pid) for place in places if (found := find(place))}
    return {**found, "client": time.process_time()}


def _print_results(results: list[Result]) -> None:
    print("\n| question | clients | p50 ms | p95 ms | p99 ms | questions/s | n |")
    print("|---|---|---|---|---|---|---|")
    for one in results:
        took = one.load.latency
        print(
            f"| {one.question} | {one.clients} | {took.p50_ms:.2f} | {took.p95_ms:.2f} "
            f"| {took.p99_ms:.2f} | {one.load.per_second:.0f} | {one.load.count} |"
        )
    print("\nProcessor time for one question, ms, at the most clients:")
    for one in (found for found in results if found.clients == results[-1].clients):
        spent = ", ".join(f"{name} {ms:.2f}" for name, ms in one.cpu_ms.items() if ms >= 0.05)
        print(f"  {one.question}: {spent}; in all {sum(one.cpu_ms.values()):.2f}")


def _print_steps(state: State, since_us: int, question: str) -> dict[str, list[float]]:
    """Median and p95 of each step of the walk, from the spans of all processes."""
    files = [*state.folder.glob("*/*/spans.jsonl")]
    steps = read_steps(files, since_us)
    print(f"\nSteps of the walk at one client, {question}, ms:")
    print("| process | step | median | p95 | n |")
    print("|---|---|---|---|---|")
    for (service, name), durations in sorted(steps.items()):
        p50, p95, _ = percentiles(durations)
        short = name.removeprefix("narrows.")
        print(
            f"| {service.removeprefix('narrows.')} | {short} | {p50:.2f} | {p95:.2f} | {len(durations)} |"
        )
    return {f"{service} {name}": [*percentiles(found)] for (service, name), found in steps.items()}


def _print_memory(state: State) -> None:
    print("\nMemory, MB (resident, and its proportional share):")
    for place in state.places(state.read()):
        process = find(place)
        if process is not None:
            resident, share = memory_mb(process.pid)
            print(f"  {place.name}: {resident:.0f}, {share:.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--state", type=Path, default=ROOT / ".narrows" / "bench")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    state = State(asked.state)
    for line in describe_machine():
        print(line)
    copies = tempfile.TemporaryDirectory()
    example = without_limits(ROOT / "examples" / "canada", Path(copies.name))
    bring_up(state, Wanted(example), lambda _: None)
    results: list[Result] = []
    steps: dict[str, dict[str, list[float]]] = {}
    try:
        limits = asyncio.run(measure_limits(state, QUESTIONS))
        print("\nLimits, measured now, ms:")
        for name, found in limits.items():
            print(
                f"  {name}: p50 {found.p50_ms:.3f}, p95 {found.p95_ms:.3f}, p99 {found.p99_ms:.3f}"
            )
        for clients in map(int, asked.clients.split(",")):
            for name, ask in QUESTIONS.items():
                since_us = time.time_ns() // 1000
                load, cpu_ms = asyncio.run(run(ask, clients, asked.seconds, state))
                results.append(Result(name, clients, load, cpu_ms))
                if clients == 1:
                    time.sleep(1)  # spans are written in groups
                    steps[name] = _print_steps(state, since_us, name)
        _print_results(results)
        _print_memory(state)
    finally:
        take_down(state, lambda _: None)
        copies.cleanup()
    if asked.json:
        document = {
            "machine": describe_machine(),
            "limits": {name: asdict(found) for name, found in limits.items()},
            "results": [asdict(one) for one in results],
            "steps": steps,
        }
        asked.json.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
