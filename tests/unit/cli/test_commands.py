"""The commands that need no running federation."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app
from narrows.core.ledger.parts import Counted, draft
from narrows.core.ledger.receipt import encode_receipt
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import open_ledger

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
KEY = new_key("hilltop.library/ledger", seed=bytes(range(32)))
WHEN = datetime(2026, 6, 1, tzinfo=UTC)


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app(), list(arguments))
    return found.exit_code, found.stdout


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    """A folder `ledger` with three entries, and the receipt of the second beside it."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    found = open_ledger(DiskFiles(folder), KEY, clock=lambda: WHEN, salt=lambda: os.urandom(32))
    for count in range(3):
        await found.append(draft(Counted(WHEN, WHEN, {"CALLER_UNKNOWN": count})))
    (tmp_path / "receipt.json").write_bytes(encode_receipt(await found.receipt(1)))
    await found.close()
    return folder


def test_a_sound_folder_is_well() -> None:
    code, said = run("check", str(LIBRARY))
    assert (code, said.splitlines()[-1]) == (0, "all is well")


def test_a_slip_is_told_with_its_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "catalog.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: one"))
    code, said = run("check", str(folder), "--format", "json")
    assert code == 1
    (finding,) = json.loads(said)["findings"]
    assert (finding["file"], finding["line"]) == ("catalog.yaml", 2)


def test_a_receipt_verifies_and_a_changed_one_does_not(ledger: Path) -> None:
    receipt = ledger.parent / "receipt.json"
    code, said = run("verify", str(receipt), "--key", KEY.verifier.text, "--format", "json")
    assert (code, json.loads(said)["kind"]) == (0, "counted")
    receipt.write_bytes(
        receipt.read_bytes().replace(b'CALLER_UNKNOWN\\":1', b'CALLER_UNKNOWN\\":7')
    )
    code, said = run("verify", str(receipt), "--key", KEY.verifier.text, "--format", "json")
    assert (code, json.loads(said)["reason"]) == (1, "PROOF_INVALID")


def test_a_ledger_verifies_and_a_flipped_byte_is_found(ledger: Path) -> None:
    code, said = run("ledger", "verify", str(ledger), "--key", KEY.verifier.text)
    assert (code, said) == (0, "3 entries, sound\n")
    entries = ledger / "entries"
    changed = bytearray(entries.read_bytes())
    changed[40] ^= 1
    entries.write_bytes(changed)
    code, said = run("ledger", "verify", str(ledger), "--key", KEY.verifier.text)
    assert code == 1
    assert said.endswith("damaged\n")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for arguments in (("verify", "none.json"), ("ledger", "verify", str(tmp_path / "none"))):
        code, said = run(*arguments, "--key", KEY.verifier.text, "--format", "json")
        assert (code, json.loads(said)["ok"]) == (1, False)
