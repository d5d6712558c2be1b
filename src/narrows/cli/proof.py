"""`narrows verify` and `narrows ledger verify`: proofs, offline, with nothing but a public key."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from narrows.cli.show import Format, fail, print_json
from narrows.core.ledger.receipt import decode_receipt, verify_receipt
from narrows.errors import BadFederation, NarrowsError
from narrows.store.files import DiskFiles
from narrows.store.keys import read_verifying_key
from narrows.store.verify import verify_ledger

_Key = Annotated[str, typer.Option(help="the ledger's verifier key: name+hash+key")]
_Format = Annotated[Format, typer.Option(help="text or json")]


def ledger() -> typer.Typer:
    """The family `narrows ledger`."""
    found = typer.Typer(help="A ledger on this disk.", no_args_is_help=True)
    found.callback()(_family)
    found.command("verify")(verify_log)
    return found


def verify(
    receipt: Annotated[Path, typer.Argument(help="a receipt's file")],
    key: _Key,
    format: _Format = Format.TEXT,  # noqa: A002
) -> None:
    """Verify a receipt: that the ledger of KEY holds its entry.

    Example: narrows verify RECEIPT.json --key nsor.canada/ledger+e1db87c2+AQOh…
    """
    try:
        entry = verify_receipt(decode_receipt(_read(receipt)), read_verifying_key(key))
    except NarrowsError as error:
        _refuse(error, format)
    shown = {
        "ok": True,
        "origin": entry.origin,
        "kind": entry.kind.value,
        "request": entry.request,
        "time": entry.time.isoformat(),
    }
    if format is Format.JSON:
        print_json(shown)
    else:
        print(f"the receipt verifies: {entry.origin} entered this {entry.kind} at {shown['time']}")


def verify_log(
    folder: Annotated[Path, typer.Argument(help="the folder of a ledger")],
    key: _Key,
    format: _Format = Format.TEXT,  # noqa: A002
) -> None:
    """Verify a whole ledger, and say where it is damaged.

    Example: narrows ledger verify STATE/members/nsor/ledger --key nsor.canada/ledger+…
    """
    if not folder.is_dir():
        _refuse(BadFederation("there is no such folder", file=str(folder)), format)
    try:
        report = verify_ledger(DiskFiles(folder), read_verifying_key(key))
    except NarrowsError as error:
        _refuse(error, format)
    except OSError:
        _refuse(BadFederation("a file of the ledger cannot be read", file=str(folder)), format)
    findings = [str(finding) for finding in report.findings]
    if format is Format.JSON:
        print_json({"ok": report.is_sound, "entries": report.entries, "findings": findings})
    else:
        for finding in findings:
            print(finding)
        print(f"{report.entries} entries, {'sound' if report.is_sound else 'damaged'}")
    raise typer.Exit(0 if report.is_sound else 1)


def _family() -> None:
    """Keep `verify` a command of the family, though it is the only one."""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise BadFederation("the file cannot be read", file=str(path)) from cause


def _refuse(error: NarrowsError, format: Format) -> NoReturn:  # noqa: A002
    if format is Format.JSON:
        print_json({"ok": False, "reason": error.reason, "message": str(error)})
    else:
        fail(error)
    raise typer.Exit(1)
