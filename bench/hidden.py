"""Whether the time of an answer tells a hidden record from none, with and without levelled answers.

    python bench/hidden.py [--requests 2000] [--ticks-ms 40] [--clients 2]

Brings `examples/library` up twice at `tiny`: as it stands, and with `answer_ticks_ms` in the
policies. Asks one library for a card of a reader who opted out and for a card of nobody, in an
order drawn by lot, and compares how long the answers took by two tests of two samples:
Kolmogorov-Smirnov (any difference of shape) and Mann-Whitney (one side slower than the other).
Two samples of nobody's card are compared too: what chance alone gives. Nothing is asserted.
"""

import argparse
import asyncio
import math
import random
import shutil
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import describe_machine, percentiles

from narrows.client import Client, Credential, connect
from narrows.client.question import Ask, make_ask
from narrows.local.state import GATEWAY, State
from narrows.local.up import Wanted, bring_up, take_down

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 40
CARDS = {"hidden": "ZZ1002", "absent": "ZZ9998", "absent again": "ZZ9999"}
SQL = (
    "SELECT p.full_name, p.born_on FROM patron p "
    "WHERE p.holder = 'harbour' AND p.card_number = :card"
)


def question(card: str) -> Ask:
    """The look-up of one card."""
    return make_ask(SQL, {"card": card}, purpose="interlibrary_loan", officer="4471")


async def measure(state: State, requests: int, clients: int) -> dict[str, list[float]]:
    """How long each answer took, in seconds, by what was asked."""
    credential = Credential.load(state.member("reader-desk"))
    order = [name for name in CARDS for _ in range(requests // 2)]
    random.shuffle(order)
    took: dict[str, list[float]] = {name: [] for name in CARDS}
    async with connect(state.place(GATEWAY).address, credential=credential) as client:
        for _ in range(WARM_UP):
            await client.answer_to(question("ZZ9997"))
        left = iter(order)
        await asyncio.gather(*(_loop(client, left, took) for _ in range(clients)))
    return took


async def _loop(client: Client, left: Iterator[str], took: dict[str, list[float]]) -> None:
    for name in left:
        started = time.perf_counter()
        answer = await client.answer_to(question(CARDS[name]))
        took[name].append(time.perf_counter() - started)
        if answer.withheld_because or answer.table.num_rows:
            raise SystemExit(f"`{name}` was not answered with no rows")


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The largest distance of the two distributions, and the chance of one so large by luck.

    Source: the asymptotic distribution of Kolmogorov, with Stephens' correction of size.
    """
    first, second = sorted(one), sorted(other)
    distance = max(
        abs(bisect_right(first, at) / len(first) - bisect_right(second, at) / len(second))
        for at in (*first, *second)
    )
    size = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.2:
        return distance, 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))
    return distance, min(1.0, max(0.0, sum(terms)))


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """How often the first took longer than the second, and the chance of that by luck.

    Source: the normal approximation; times on a clock of nanoseconds have no ties to speak of.
    """
    second = sorted(other)
    wins = sum(bisect_right(second, value) for value in one)
    pairs = len(one) * len(other)
    spread = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    z = (wins - pairs / 2) / spread
    return wins / pairs, math.erfc(abs(z) / math.sqrt(2))


def levelled(folder: Path, ticks_ms: int) -> Path:
    """A copy of the example whose policies level the time of their answers."""
    copy = folder / "library"
    shutil.copytree(ROOT / "examples" / "library", copy)
    for path in copy.glob("members/*/policy.yaml"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace(
            "    keep_days: 30\n", f"    keep_days: 30\n    answer_ticks_ms: {ticks_ms}\n"
        )
        if changed == text:
            raise SystemExit(f"{path.name} has no place for ticks")
        path.write_text(changed, encoding="utf-8")
    return copy


def report(name: str, took: dict[str, list[float]]) -> None:
    """The percentiles of each sample, and both tests of each pair."""
    print(f"\n{name}\n\n| card | n | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|")
    for card, seconds in took.items():
        p50, p95, p99 = percentiles(seconds)
        print(f"| {card} | {len(seconds)} | {p50:.2f} | {p95:.2f} | {p99:.2f} |")
    print("\n| compared | distance | p | first slower | p |\n|---|---|---|---|---|")
    for one, other in (("hidden", "absent"), ("absent", "absent again")):
        distance, by_luck = kolmogorov_smirnov(took[one], took[other])
        slower, by_luck_too = mann_whitney(took[one], took[other])
        print(
            f"| {one}, {other} | {distance:.3f} | {by_luck:.3g} | {slower:.3f} "
            f"| {by_luck_too:.3g} |"
        )


def main() -> None:
    """Both runs, one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--ticks-ms", type=int, default=40)
    parser.add_argument("--clients", type=int, default=2)
    asked = parser.parse_args()
    for line in describe_machine():
        print(line)
    with tempfile.TemporaryDirectory() as made:
        copy = levelled(Path(made), asked.ticks_ms)
        for name, folder in (
            ("As soon as they are ready", ROOT / "examples" / "library"),
            (f"At {asked.ticks_ms} ms, twice that, …", copy),
        ):
            state = State(Path(made) / f"state-{folder.parent.name}")
            bring_up(state, Wanted(folder), lambda _: None)
            try:
                report(name, asyncio.run(measure(state, asked.requests, asked.clients)))
            finally:
                take_down(state, lambda _: None)


if __name__ == "__main__":
    main()
