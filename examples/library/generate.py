"""Makes the databases of the three libraries, each in its own way; the same seed, the same rows.

    python generate.py --scale tiny --seed 7 --out STATE/data

Prints one digest for each local table. Names are invented, cards begin with `ZZ`. Reader ZZ1001
is at all three libraries; ZZ1002 opted out everywhere; ZZ9999 is nobody's card.
"""

import argparse
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb

FIRST = ("Ada", "Benoît", "Chidi", "Đan", "Esmé", "Farid", "Gita", "Hana")
LAST = ("Okafor", "Lévesque", "Nguyễn", "Macleod", "Sørensen", "Paul")
POSTAL = ("B3H1A1", "B2W4K7", "B4N2C9", "B0J1J0")
START = date(2026, 1, 5)


@dataclass(frozen=True)
class Reader:
    """One true reader."""

    card: str
    first: str
    last: str
    postal: str
    born: date
    opted_out: bool


@dataclass(frozen=True)
class Loan:
    """One loan; `state` is `o` out, `l` overdue, `r` returned."""

    number: int
    card: str
    isbn: str
    due: date
    state: str


def main() -> None:
    """Write all three databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=["tiny"], default="tiny")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="taken as every generator takes it; not used")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for number, (name, write) in enumerate(WRITERS.items()):
        path = asked.out / name
        path.unlink(missing_ok=True)
        chance = random.Random(f"{asked.seed}/{number}")
        readers = make_readers(chance)
        loans = make_loans(chance, readers)
        write(path, readers, loans)
        print_digest(f"{path.stem}.patron", readers)
        print_digest(f"{path.stem}.loan", loans)


def print_digest(name: str, rows: Sequence[Reader | Loan]) -> None:
    """Print the number of rows and SHA-256 over them, sorted."""
    lines = sorted(repr(row) for row in rows)
    print(name, len(lines), sha256("\n".join(lines).encode()).hexdigest())


def make_readers(chance: random.Random) -> list[Reader]:
    """The readers of one library: the two that all know, and some of its own."""
    known = [
        Reader("ZZ1001", "Ada", "Okafor", "B3H1A1", date(1984, 3, 9), opted_out=False),
        Reader("ZZ1002", "Farid", "Paul", "B2W4K7", date(1971, 11, 30), opted_out=True),
    ]
    others = [
        Reader(
            card=f"ZZ{2000 + chance.randrange(7000)}",
            first=chance.choice(FIRST),
            last=chance.choice(LAST),
            postal=chance.choice(POSTAL),
            born=date(1940, 1, 1) + timedelta(days=chance.randrange(28_000)),
            opted_out=chance.random() < 0.1,
        )
        for _ in range(40)
    ]
    return known + list({reader.card: reader for reader in others}.values())


def make_loans(chance: random.Random, readers: list[Reader]) -> list[Loan]:
    """Loans of one library; each known reader has at least one."""
    cards = [reader.card for reader in readers]
    borrowers = cards[:2] + [chance.choice(cards[2:]) for _ in range(60)]
    return [
        Loan(
            number,
            card,
            f"978-0-00-{chance.randrange(10**6):06d}",
            START + timedelta(days=chance.randrange(300)),
            chance.choice("olr"),
        )
        for number, card in enumerate(borrowers, start=1)
    ]


def write_harbour(path: Path, readers: list[Reader], loans: list[Loan]) -> None:
    """DuckDB with numbers for keys and typed columns."""
    number = {reader.card: place for place, reader in enumerate(readers, start=1)}
    with duckdb.connect(str(path)) as database:
        database.execute(
            "CREATE TABLE readers(no INT, card TEXT, name TEXT, postal TEXT, born DATE, private BOOL)"
        )
        database.execute("CREATE TABLE loans(no INT, reader INT, isbn TEXT, due DATE, state TEXT)")
        for r in readers:
            values = [number[r.card], r.card, f"{r.first} {r.last}", r.postal, r.born, r.opted_out]
            database.execute("INSERT INTO readers VALUES (?, ?, ?, ?, ?, ?)", values)
        for one in loans:
            values = [one.number, number[one.card], one.isbn, one.due, one.state]
            database.execute("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", values)


def write_hilltop(path: Path, readers: list[Reader], loans: list[Loan]) -> None:
    """SQLite with capitals and days as DD/MM/YYYY."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE PATRONS(PNO, CARD, PNAME, PC, DOB, OPTOUT)")
        database.execute("CREATE TABLE LOANS(LNO, PNO, ISBN, DUE, ST)")
        database.executemany(
            "INSERT INTO PATRONS VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    f"P{r.card[2:]}",
                    r.card,
                    f"{r.first} {r.last}",
                    r.postal,
                    r.born.strftime("%d/%m/%Y"),
                    "Y" if r.opted_out else "N",
                )
                for r in readers
            ],
        )
        database.executemany(
            "INSERT INTO LOANS VALUES (?, ?, ?, ?, ?)",
            [
                (
                    f"L{one.number}",
                    f"P{one.card[2:]}",
                    one.isbn,
                    one.due.strftime("%d/%m/%Y"),
                    one.state.upper(),
                )
                for one in loans
            ],
        )
    database.close()


def write_riverside(path: Path, readers: list[Reader], loans: list[Loan]) -> None:
    """DuckDB where everything is text, and sharing is opted into."""
    with duckdb.connect(str(path)) as database:
        database.execute(
            "CREATE TABLE member(member_id TEXT, barcode TEXT, first TEXT, last TEXT, "
            "postcode TEXT, birthday TEXT, share TEXT)"
        )
        database.execute(
            "CREATE TABLE lending(lending_id TEXT, member_id TEXT, isbn TEXT, due TEXT, back BOOL)"
        )
        for r in readers:
            postcode = f"{r.postal[:3].lower()} {r.postal[3:]}"
            share = "no" if r.opted_out else "yes"
            values = [f"m-{r.card}", r.card, r.first, r.last, postcode, r.born.isoformat(), share]
            database.execute("INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        for one in loans:
            values = [
                f"n-{one.number}",
                f"m-{one.card}",
                one.isbn,
                one.due.isoformat(),
                one.state == "r",
            ]
            database.execute("INSERT INTO lending VALUES (?, ?, ?, ?, ?)", values)


WRITERS = {
    "harbour.duckdb": write_harbour,
    "hilltop.sqlite": write_hilltop,
    "riverside.duckdb": write_riverside,
}

if __name__ == "__main__":
    main()
