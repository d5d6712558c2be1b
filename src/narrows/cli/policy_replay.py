"""`narrows policy replay`: what a proposed policy would have changed about past answers."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.policy_common import FolderOf, FormatOf, read_day, requesters_of
from narrows.cli.show import Format, counted, print_json, print_table
from narrows.core.policy.replay import Past, Redecided, Replayed, day_of, past_of
from narrows.core.policy.replay import replay as replay_policy
from narrows.errors import BadFederation
from narrows.folder.load import load_folder
from narrows.folder.policies import policy_at
from narrows.local.state import DEFAULT, State
from narrows.store.files import DiskFiles
from narrows.store.reading import read_entries


def replay(
    new: Annotated[Path, typer.Argument(help="the proposed policy, or a member's folder")],
    since: Annotated[str, typer.Option(help="the first day of requests to look at")],
    ledger: Annotated[
        Path | None, typer.Option(help="the ledger's folder or a copy; that of the state, without")
    ] = None,
    folder: FolderOf = None,
    state: Annotated[Path, typer.Option("--state", help="the state of a federation")] = DEFAULT,
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Decide a holder's past requests again under NEW, and say which answers would be others.

    The ledger is read and never written; its node may run.

    Example: narrows policy replay proposal.yaml --since 2026-01-01
    """
    federation = load_folder(folder or Path(State(state).read().folder))
    zone = federation.catalog.zone
    policy = policy_at(new, federation.catalog, read_day("", zone))
    place = ledger or State(state).member(policy.agency) / "ledger"
    if not place.is_dir():
        raise BadFederation(
            "there is no such ledger", hint="name it with --ledger", file=str(place)
        )
    pasts = _since(place, read_day(since, zone), zone)
    found = replay_policy(pasts, policy, federation.catalog, requesters_of(federation))
    if format is Format.JSON:
        print_json(_document(found))
    else:
        _print(found)


def _since(place: Path, since: date, zone: str) -> Iterator[Past]:
    for one in read_entries(DiskFiles(place)):
        past = past_of(one.entry, one.openings)
        if past is not None and day_of(past.header, zone) >= since:
            yield past


def _print(found: Replayed) -> None:
    print(
        f"{counted(found.count, 'request')} looked at, {len(found.changed)} answered otherwise, "
        f"{len(found.unreadable)} that cannot be decided again"
    )
    if found.changed:
        rows = [(*key, count) for key, count in sorted(found.table.items())]
        print_table(("member", "purpose", "was", "would be", "requests"), rows)
    for one in found.changed:
        print(f"{one.request}  {one.member}  {one.purpose}  {one.day}  {_way(one)}")
        for text in one.after.reasons:
            print(f"  because  {text}")
    for request in found.unreadable:
        print(
            f"{request}  cannot be decided again: erased, of a catalog or member that is gone, or ruled"
        )


def _way(one: Redecided) -> str:
    if one.before.verdict != one.after.verdict:
        return f"{one.before.verdict} -> {one.after.verdict}"
    before = {*one.before.narrowed, *one.before.withheld}
    after = {*one.after.narrowed, *one.after.withheld}
    gone = [f"no longer {text}" for text in sorted(before - after)]
    return ", ".join([*gone, *sorted(after - before)])


def _document(found: Replayed) -> dict[str, object]:
    return {
        "requests": found.count,
        "changed": [
            {
                "request": one.request,
                "member": one.member,
                "purpose": one.purpose,
                "day": one.day.isoformat(),
                "was": one.before.verdict,
                "would_be": one.after.verdict,
                "difference": _way(one),
                "reasons": list(one.after.reasons),
            }
            for one in found.changed
        ],
        "by": [
            {"member": member, "purpose": purpose, "was": was, "would_be": now, "requests": count}
            for (member, purpose, was, now), count in sorted(found.table.items())
        ],
        "unreadable": list(found.unreadable),
    }
