"""`narrows verify` and `narrows ledger verify`: proofs, offline, with nothing but public keys."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from narrows.cli.show import ANSWERED, FAILED, Format, counted, print_json
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.canonical import Json, canonical_bytes
from narrows.core.directory import DirectoryKey
from narrows.core.ledger.checkpoint import parse_checkpoint
from narrows.core.ledger.entry import Entry
from narrows.core.ledger.note import parse_note
from narrows.core.ledger.receipt import Receipt, decode_receipt, verify_receipt
from narrows.errors import BadFederation, ProofInvalid
from narrows.local.state import DEFAULT, State
from narrows.store.files import DiskFiles
from narrows.store.keys import VerifyingKey, read_verifying_key
from narrows.store.verify import LedgerReport, verify_ledger

_Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="a ledger's verifier key: name+id+key; may be repeated"),
]
_Format = Annotated[Format, typer.Option(help="text or json")]
_State = Annotated[
    Path, typer.Option("--state", help="whose directory names the keys, without --key")
]


def ledger() -> typer.Typer:
    """The family `narrows ledger`."""
    found = typer.Typer(help="Ledgers on this disk.", no_args_is_help=True)
    found.callback()(_family)
    found.command("verify")(verify_log)
    return found


def verify(
    receipt: Annotated[Path, typer.Argument(help="a receipt, a list of them, or a JSON answer")],
    key: _Keys = None,
    format: _Format = Format.TEXT,  # noqa: A002
    state: _State = DEFAULT,
) -> None:
    """Verify receipts offline: that the ledger of each key holds the entry. Exit code 1: one fails.

    Example: narrows verify RECEIPT.json --key nsor.canada/ledger+e1db87c2+AQOh…
    """
    keys = _verifiers(key or [], State(state))
    entries = [_verified(found, keys) for found in _receipts(receipt)]
    if not entries:
        raise BadFederation("the file holds no receipt", file=str(receipt))
    if format is Format.JSON:
        print_json({"ok": True, "entries": [_shown(entry) for entry in entries]})
        return
    for entry in entries:
        print(f"verifies: {entry.origin} entered this {entry.kind} at {entry.time.isoformat()}")


def verify_log(
    folder: Annotated[Path | None, typer.Argument(help="a ledger's folder; all, without")] = None,
    key: _Keys = None,
    format: _Format = Format.TEXT,  # noqa: A002
    state: _State = DEFAULT,
) -> None:
    """Verify whole ledgers, and say where one is damaged. Exit code 1: one is.

    Example: narrows ledger verify
    Example: narrows ledger verify STATE/members/nsor/ledger --key nsor.canada/ledger+…
    """
    kept = State(state)
    keys = _verifiers(key or [], kept)
    reports = [
        (path, _read_log(path, keys[name]))
        for name, path in (_all_logs(kept, keys) if folder is None else [_one_log(folder, keys)])
    ]
    all_sound = all(report.is_sound for _, report in reports)
    if format is Format.JSON:
        print_json({"ok": all_sound, "ledgers": [_report(path, one) for path, one in reports]})
    else:
        for _, report in reports:
            print(f"{report.origin}: {counted(report.entries, 'entry')}, {_state_of(report)}")
            for finding in report.findings:
                print(f"  {finding}")
            for request in report.unfinished:
                print(f"  request {request} has an intent and no outcome")
    raise typer.Exit(ANSWERED if all_sound else FAILED)


def _family() -> None:
    """Keep `verify` a command of the family, though it is the only one."""


def _receipts(path: Path) -> Iterator[Receipt]:
    """The receipts in a file: one, a list of them, or those of a JSON answer."""
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise BadFederation("the file cannot be read", file=str(path)) from cause
    except ValueError as cause:
        raise ProofInvalid("the file is not JSON", hint="give what `narrows ask` wrote") from cause
    yield from _receipts_in(document)


def _receipts_in(document: object) -> Iterator[Receipt]:
    match document:
        case {"checkpoint": _, "entry": _, **_rest}:
            # Any spelling of the JSON will do: what is proven is in its texts.
            yield decode_receipt(canonical_bytes(cast("Json", document)))
        case {"receipt": receipt, "agencies": list(agencies)}:
            yield from _receipts_in(receipt)
            yield from _receipts_in([one.get("receipt") for one in agencies])
        case list():
            for one in document:
                yield from _receipts_in(one)
        case _:
            return


def _verified(receipt: Receipt, keys: Mapping[str, VerifyingKey]) -> Entry:
    # Only chooses the key: what the receipt says of its origin is then proven.
    origin = parse_checkpoint(parse_note(receipt.checkpoint).text).origin
    if origin not in keys:
        raise ProofInvalid(f"there is no key of the ledger `{origin}`", hint="give it with --key")
    return verify_receipt(receipt, keys[origin])


def _verifiers(given: list[str], state: State) -> dict[str, VerifyingKey]:
    """The keys by name of the ledger: those given, or else those of the state's directory."""
    if given:
        return {key.name: key for key in map(read_verifying_key, given)}
    root = DirectoryKey(bytes.fromhex(state.read().root_key))
    directory = read_directory(state.directory, root, datetime.now(UTC))
    return {key.name: key for key in ledger_verifiers(directory).values()}


def _all_logs(state: State, keys: Mapping[str, VerifyingKey]) -> Iterator[tuple[str, Path]]:
    for name in sorted(keys):
        who = name.partition(".")[0]
        for home in (state.gateway(who), state.member(who)):
            if (home / "ledger").is_dir():
                yield name, home / "ledger"


def _one_log(folder: Path, keys: Mapping[str, VerifyingKey]) -> tuple[str, Path]:
    if not folder.is_dir():
        raise BadFederation("there is no such folder", file=str(folder))
    if len(keys) == 1:
        return next(iter(keys)), folder
    name = folder.resolve().parent.name
    for found in keys:
        if found.partition(".")[0] == name:
            return found, folder
    raise BadFederation(
        "no key is known for this ledger", hint="give it with --key", file=str(folder)
    )


def _read_log(folder: Path, key: VerifyingKey) -> LedgerReport:
    try:
        return verify_ledger(DiskFiles(folder), key)
    except OSError as cause:
        raise BadFederation("a file of the ledger cannot be read", file=str(folder)) from cause


def _state_of(report: LedgerReport) -> str:
    return "sound" if report.is_sound else "DAMAGED"


def _shown(entry: Entry) -> dict[str, object]:
    return {
        "origin": entry.origin,
        "kind": entry.kind.value,
        "request": entry.request,
        "time": entry.time.isoformat(),
    }


def _report(path: Path, report: LedgerReport) -> dict[str, object]:
    return {
        "folder": str(path),
        "origin": report.origin,
        "ok": report.is_sound,
        "entries": report.entries,
        "unfinished": list(report.unfinished),
        "findings": [str(finding) for finding in report.findings],
    }
