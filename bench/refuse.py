"""How long it takes to refuse what is made to take long, beside what reading the bytes takes.

Every exhaustion attack of `tests/attacks/corpus`, and a megabyte of each of ten kinds. Beside each
stands the limit: encoding and hashing the same text, which no refusal that looks at it is below.
Prints; asserts nothing. `python bench/refuse.py [runs]`, with `tests` to be found from the root.
"""

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from narrows.core.plan.plan import plan
from narrows.errors import NarrowsError

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.attacks.corpus import read_family
from tests.attacks.setting import CATALOG

MEGABYTE = 1_000_000
KINDS = {
    "one name": "a",
    "one digit": "9",
    "spaces": " ",
    "quotes": "'",
    "parentheses": "(",
    "semicolons": ";",
    "conditions": " AND 1=1",
    "items": "'1',",
    "comments": "/* x */ ",
    "marks over letters": "e\u0301",
}


def main() -> None:
    """Prints a line for each text."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    texts = {f"1 MB of {name}": _megabyte(piece) for name, piece in KINDS.items()}
    texts |= {f"{one.kind}: {one.name}": one.text for one in read_family("exhaustion")}
    print(f"{'attack':66} {'bytes':>9} {'p50 ms':>8} {'p99 ms':>8} {'limit ms':>9}")
    for name, text in texts.items():
        took = sorted(_timed(_refuse, text) for _ in range(runs))
        limit = sorted(_timed(_read, text) for _ in range(runs))
        middle, last = took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]
        size = len(text.encode())
        print(f"{name:66} {size:9} {middle:8.2f} {last:8.2f} {limit[len(limit) // 2]:9.3f}")


def _megabyte(piece: str) -> str:
    return "SELECT " + piece * (MEGABYTE // len(piece.encode()))


def _timed(work: Callable[[str], None], text: str) -> float:
    started = time.perf_counter()
    work(text)
    return (time.perf_counter() - started) * 1000


def _refuse(text: str) -> None:
    try:
        plan(text, {}, CATALOG)
    except NarrowsError:
        return
    raise AssertionError("an exhausting text was accepted")


def _read(text: str) -> None:
    hashlib.sha256(text.encode()).digest()


if __name__ == "__main__":
    main()
