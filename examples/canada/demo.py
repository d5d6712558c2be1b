"""The worked federation, told in the terminal: every line that begins with $ is really run.

    python examples/canada/demo.py [--state DIR]

Brings six agencies up, asks, is refused, meets a suspended record, loses a node, traces, proves,
and tampers with a copy of a ledger. Takes everything down in the end.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax

FOLDER = Path(__file__).resolve().parent
SCREEN = Console(highlight=False)
QUESTION = """\
SELECT p.holder, p.surname, p.given_names, p.residence_postal, r.reg_status, r.risk_level
FROM person p
JOIN identifier i USING (holder, person_id)
JOIN offender_registration r USING (holder, person_id)
WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document AND i.issuer = 'CAN'"""
OFFICER = ("--officer", "4471", "--unit", "sex-crimes")
CASE = ("--case", "VA2026-104233", "--grounds", "linked to an open file")
SEX_CRIME = ("--purpose", "sexual_crime_investigation")
REGISTERED, SUSPENDED, UNKNOWN = "ZZ123456", "ZZ654321", "ZZ000000"


class Demo:
    """One telling, over one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.started_s = time.monotonic()

    def tell(self) -> None:
        """The whole story."""
        self.chapter("Six agencies, each with its own database, and a gateway")
        self.run("up", os.path.relpath(FOLDER), "--detach")
        try:
            self.story()
        finally:
            self.chapter("Everything down")
            self.run("down")
        SCREEN.print(
            f"\nTold in {time.monotonic() - self.started_s:.0f} s. To keep it running and ask "
            f"yourself:\n\n  .venv/bin/narrows up {os.path.relpath(FOLDER)} --detach\n"
            "  .venv/bin/narrows ask --help\n"
        )

    def story(self) -> None:
        """What happens while it runs."""
        self.chapter(
            "A city unit asks whether the bearer of a passport is registered",
            "One passport at a time, with a case number, an officer and grounds. The postal code "
            "leaves as its first three characters: the rest never left the registries.",
        )
        SCREEN.print(Syntax(QUESTION, "sql", theme="ansi_dark", background_color="default"))
        receipts = self.state / "RECEIPT.json"
        shown = self.ask("vpd", SEX_CRIME, CASE, REGISTERED, "--receipt", str(receipts))
        request = next(line.split()[1] for line in shown.splitlines() if line.startswith("request"))

        self.chapter(
            "A licensing desk asks the same",
            "The registry is consulted for no such purpose. The refusal is the same for every "
            "passport, and no node is called.",
        )
        self.ask("licensing-on", ("--purpose", "licensing"), CASE, REGISTERED, expect=3)

        self.chapter("The city unit forgets the case number")
        self.ask("vpd", SEX_CRIME, (), REGISTERED, expect=3)

        self.chapter(
            "A suspended record, and nobody at all",
            "One passport is of a person whose record is suspended; the other is nobody's. The "
            "two answers are compared, byte for byte.",
        )
        self.compare(SUSPENDED, UNKNOWN)

        self.chapter(
            "A registry goes away",
            "Silence must not read as `not registered`: no rows are given, unless the officer "
            "takes an answer that says what it lacks.",
        )
        self.run("down", "osor")
        self.ask("vpd", SEX_CRIME, CASE, REGISTERED, expect=3)
        self.ask("vpd", SEX_CRIME, CASE, REGISTERED, "--partial")
        self.run("up", os.path.relpath(FOLDER), "--detach")

        self.chapter(
            "The privacy commissioner traces the first request",
            "From every agency's own ledger, with the proof of each entry.",
        )
        self.run("trace", request, "--as", "opc")

        self.chapter("Its receipts verify, offline")
        self.run("verify", str(receipts))

        self.chapter("One byte of a copy of a ledger is changed, and found")
        self.tamper()

    def ask(
        self, member: str, purpose: Sequence[str], case: Sequence[str], document: str,
        *more: str, expect: int = 0,
    ) -> str:  # fmt: skip
        """The printed answer; the question is shown once, above."""
        words = (
            "--as",
            member,
            *purpose,
            *OFFICER,
            *case,
            "--param",
            f"document={document}",
            *more,
        )
        return self.run("ask", QUESTION, *words, expect=expect, show=("ask", "…", *words))

    def compare(self, one: str, other: str) -> None:
        """Both answers, without what differs between any two requests."""
        found = []
        for document in (one, other):
            words = (
                "ask", QUESTION, "--as", "vpd", *SEX_CRIME, *OFFICER, *CASE,
                "--param", f"document={document}", "--format", "json",
            )  # fmt: skip
            shown = ("ask", "…", "--param", f"document={document}", "--format", "json")
            answer = json.loads(self.run(*words, show=shown, quiet=True))
            for agency in answer["agencies"]:
                agency.pop("ms")
                agency.pop("receipt")
            kept = ("columns", "rows", "agencies", "caveats", "withheld_because")
            found.append(json.dumps({name: answer[name] for name in kept}, sort_keys=True))
        if found[0] != found[1]:
            raise SystemExit("the two answers differ: this must never happen")
        SCREEN.print(f"{found[0][:100]}…", style="dim", markup=False)
        SCREEN.print("[green]the two answers are the same, byte for byte[/]")

    def tamper(self) -> None:
        """A copy of a ledger with one byte changed, and what the verification says."""
        copy = self.state / "copy" / "nsor"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.state / "members" / "nsor" / "ledger", copy / "ledger")
        self.run("ledger", "verify", str(copy / "ledger"))
        entries = copy / "ledger" / "entries"
        data = bytearray(entries.read_bytes())
        data[len(data) // 2] ^= 1
        entries.write_bytes(data)
        SCREEN.print(f"[dim]one bit of byte {len(data) // 2} of the copy is flipped[/]")
        self.run("ledger", "verify", str(copy / "ledger"), expect=1)

    def chapter(self, title: str, text: str = "") -> None:
        """A heading, and why it is worth looking at."""
        SCREEN.print()
        SCREEN.print(Panel(text or title, title=title if text else None, title_align="left"))

    def run(
        self, *words: str, expect: int = 0, show: Sequence[str] = (), quiet: bool = False
    ) -> str:
        """What the command printed. Ends the telling where it ends otherwise than expected."""
        shown = " ".join(f"'{word}'" if " " in word else word for word in show or words)
        SCREEN.print(f"$ narrows {shown}", style="bold cyan", markup=False)
        command = [sys.executable, "-m", "narrows.cli.main", *words, "--state", str(self.state)]
        environment = os.environ | {"COLUMNS": str(SCREEN.width)}
        if SCREEN.is_terminal:
            environment |= {"FORCE_COLOR": "1"}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=environment, check=False
        )
        if not quiet:
            print(done.stdout, end="", flush=True)
        if done.returncode != expect:
            raise SystemExit(f"`narrows {words[0]}` ended with {done.returncode}, not {expect}")
        return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, default=Path(".narrows/demo"))
    Demo(parser.parse_args().state).tell()
