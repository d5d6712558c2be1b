"""The databases of the worked federation, from one integer seed: the same seed, the same rows.

    python generate.py --scale tiny --seed 7 --out STATE/data [--truth STATE/truth]

Every person, number, plate and address is invented. Prints one digest for each relation of each
holder. The truth, which of a holder's keys is which person, goes to a folder outside every node.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from generator.cbsa import MONTHS, make_cbsa
from generator.digests import relation_digests
from generator.fnp import make_fnp
from generator.planted import PLANTED
from generator.registrants import make_registrations, make_trips
from generator.registries import Registered, make_nsor, make_osor
from generator.sq import make_sq
from generator.tables import Holding, write_duckdb, write_parquet, write_sqlite, write_truth
from generator.vpd import make_vpd
from generator.world import Person, make_world

FOLDER = Path(__file__).resolve().parent
HOLDERS = ("nsor", "osor", "cbsa", "vpd", "sq", "fnp")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    people: int
    registered_share: float
    vpd_files: int
    sq_files: int
    fnp_files: int


SCALES = {"tiny": Scale(2000, 0.06, 420, 380, 90)}


def main() -> int:
    """The exit code of the program."""
    asked = _arguments()
    with _progress(2 + 2 * len(HOLDERS)) as step:
        holdings = make_holdings(SCALES[asked.scale], asked.seed, step)
        write_all(holdings, asked.out, asked.truth or asked.out.parent / "truth", step)
    for holder in HOLDERS:
        for relation, rows, digest in relation_digests(FOLDER / "members" / holder, asked.out):
            print(f"{holder}.{relation} {rows} {digest}")
    return 0


def make_holdings(scale: Scale, seed: int, step: Callable[[str], None]) -> list[Holding]:
    """Every holder's tables. Each part draws from a stream of its own, so that one may change
    without moving the others."""

    def stream(name: str) -> Random:
        step(name)
        return Random(f"canada/{seed}/{name}")

    people: list[Person] = [*PLANTED, *make_world(stream("world"), scale.people - len(PLANTED))]
    rng = stream("registrants")
    registrations = make_registrations(rng, people, scale.registered_share)
    known = Registered(registrations, make_trips(rng, registrations))
    # Telephones that pass from hand to hand among traffickers of two forces.
    burners = tuple(f"+1{area}55501{n}" for area in ("604", "514") for n in (91, 92, 93))
    return [
        make_nsor(stream("nsor"), known),
        make_osor(stream("osor"), known),
        make_cbsa(stream("cbsa"), people, known.trips),
        make_vpd(stream("vpd"), people, scale.vpd_files, burners),
        make_sq(stream("sq"), people, scale.sq_files, burners),
        make_fnp(stream("fnp"), people, scale.fnp_files),
    ]


def write_all(holdings: list[Holding], out: Path, truth: Path, step: Callable[[str], None]) -> None:
    """Nothing; the databases are in `out`, the truth in `truth`."""
    out.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    for holding in holdings:
        step(f"writing {holding.holder}")
        match holding.holder:
            case "cbsa":
                write_parquet(holding, out / "cbsa", MONTHS)
            case "osor" | "fnp":
                write_sqlite(holding, out / f"{holding.holder}.sqlite")
            case _:
                write_duckdb(holding, out / f"{holding.holder}.duckdb")
    write_truth(holdings, truth)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the databases of the worked federation.")
    parser.add_argument("--scale", choices=sorted(SCALES), default="tiny")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True, help="folder for the databases")
    parser.add_argument("--truth", type=Path, help="folder for the truth (default: beside --out)")
    return parser.parse_args()


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A call for each step; draws a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # only where somebody looks
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("generating", total=steps)
        yield lambda name: progress.update(task, advance=1, description=name)


if __name__ == "__main__":
    sys.exit(main())
