"""Federations of real processes for system tests: brought up, asked, killed, read."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from narrows.client import Answer, Credential, connect
from narrows.client.question import Ask, make_ask
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.directory import Directory, DirectoryKey
from narrows.core.ledger.entry import Entry, decode_entry
from narrows.folder.load import Federation, load_folder
from narrows.local.processes import find
from narrows.local.state import GATEWAY, Place, State
from narrows.local.up import Wanted, bring_up, take_down
from narrows.store.files import DiskFiles
from narrows.store.keys import VerifyingKey
from narrows.store.log import ENTRIES
from narrows.store.records import entry_records
from narrows.store.verify import LedgerReport, verify_ledger

ROOT = Path(__file__).parents[2]
LIBRARY, CANADA = ROOT / "examples" / "library", ROOT / "examples" / "canada"
CARD = """
SELECT p.holder, p.full_name, p.postal_code, l.loan_state
FROM patron p JOIN loan l USING (holder, patron_id) WHERE p.card_number = :card
"""
HOLDERS = ("harbour", "hilltop", "riverside")


@dataclass(frozen=True, slots=True)
class Running:
    """A federation that runs, by its folder and state."""

    folder: Path
    state: State

    def place(self, name: str) -> Place:
        """One process."""
        return self.state.place(name)

    def pid(self, name: str) -> int:
        """The id of a running process."""
        found = find(self.place(name))
        assert found is not None
        return found.pid

    def up(self) -> None:
        """Nothing, when all that does not run is started again, and well."""
        bring_up(self.state, Wanted(self.folder), lambda _: None)

    def down(self, *names: str) -> None:
        """Nothing, when those are stopped."""
        take_down(self.state, lambda _: None, names)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Nothing; the process got the signal. One that is killed is gone."""
        os.kill(self.pid(name), number)
        while number is signal.SIGKILL and find(self.place(name)) is not None:
            continue

    def ask(self, question: Ask | None = None, member: str = "riverside") -> Answer:
        """The verified answer to one question."""
        return asyncio.run(self.ask_async(question, member))

    def ask_until_answered(self, name: str) -> Answer:
        """The first answer in which that agency is no gap: channels take a moment to return."""

        async def asking() -> Answer:
            async with asyncio.timeout(20):
                while True:
                    found = await self.ask_async()
                    if outcomes(found)[name] == "answered":
                        return found

        return asyncio.run(asking())

    async def ask_async(self, question: Ask | None = None, member: str = "riverside") -> Answer:
        """The verified answer to one question; its acknowledgement is waited for."""
        home = self.state.member(member)
        address = self.place(GATEWAY).address
        async with connect(address, credential=Credential.load(home)) as client:
            return await client.answer_to(question or by_card())

    def narrows(self, *words: str, code: int = 0) -> str:
        """What the command printed on stdout, or on stderr where it printed nothing there."""
        command = [
            sys.executable,
            "-m",
            "narrows.cli.main",
            *words,
            "--state",
            str(self.state.folder),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    @property
    def federation(self) -> Federation:
        """What the folder says."""
        return load_folder(self.folder)

    @property
    def directory(self) -> Directory:
        """The directory in force."""
        root = DirectoryKey(bytes.fromhex(self.state.read().root_key))
        return read_directory(self.state.directory, root, datetime.now(UTC))

    def verifier(self, name: str) -> VerifyingKey:
        """The verifier of a ledger."""
        return ledger_verifiers(self.directory)[name]

    def entries(self, name: str) -> list[Entry]:
        """Every entry of a ledger, read from its file, also while it is written."""
        file = DiskFiles(self.place(name).home / "ledger").open_to_read(ENTRIES)
        assert file is not None
        try:
            return [decode_entry(record.data) for record in entry_records(file)]
        finally:
            file.close()

    def verify(self, name: str) -> LedgerReport:
        """The check of a whole ledger. Needs: its process has ended."""
        return verify_ledger(DiskFiles(self.place(name).home / "ledger"), self.verifier(name))


def by_card(card: str = "ZZ1001", sql: str = CARD, **how: object) -> Ask:
    """A question to the libraries about one card."""
    given: dict[str, object] = {"purpose": "interlibrary_loan", "officer": "12", **how}
    params = {"card": card} if ":card" in sql else {}
    return make_ask(sql, params, **given)  # type: ignore[arg-type]


def outcomes(answer: Answer) -> dict[str, str]:
    """The outcome of each agency."""
    return {report.holder: report.outcome.value for report in answer.agencies}


@contextmanager
def running(folder: Path, state: Path) -> Iterator[Running]:
    """A federation of processes, all stopped at the end."""
    found = Running(folder, State(state))
    found.up()
    try:
        yield found
    finally:
        for place in found.state.places(found.state.read()):
            process = find(place)
            if process is not None:
                # One that was stopped by a test could not end otherwise.
                os.kill(process.pid, signal.SIGCONT)
        found.down()


def copy_of(folder: Path, where: Path) -> Path:
    """A copy of a federation's folder, to change."""
    return Path(shutil.copytree(folder, where, ignore=shutil.ignore_patterns("__pycache__")))


def replace_in(file: Path, old: str, new: str) -> None:
    """Nothing; the text stands there instead. Needs: the old one is there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def kinds(entries: Sequence[Entry], request: str) -> list[str]:
    """The kinds of entries about one request, in order."""
    return [entry.kind.value for entry in entries if entry.request == request]
