"""`narrows policy diff`: what a new version gives that the old one does not, in plain words."""

from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.policy_common import FolderOf, FormatOf, folder_around, read_day, requesters_of
from narrows.cli.show import ANSWERED, FAILED, Format, console, counted, print_json
from narrows.core.policy.compare.effect import Change, Effect
from narrows.core.policy.compare.policies import changes
from narrows.core.policy.compare.witness import Witness, witnesses
from narrows.core.policy.offline import Answered
from narrows.errors import MalformedRequest
from narrows.folder.load import load_folder
from narrows.folder.policies import policy_at


def diff(
    old: Annotated[Path, typer.Argument(help="a policy, or a member's folder")],
    new: Annotated[Path, typer.Argument(help="a policy, or a member's folder")],
    accept_widening: Annotated[
        bool, typer.Option("--accept-widening", help="exit code 0 though more is given")
    ] = False,
    day: Annotated[str, typer.Option(help="of a folder, the version of that day; today's")] = "",
    folder: FolderOf = None,
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Say in plain words what changes from OLD to NEW, each with a question whose answer changes.

    What cannot be shown to narrow is said to widen. Exit code 1: something widens.

    Example: narrows policy diff members/harbour/policies/2026-01.yaml members/harbour/policy.yaml
    """
    federation = load_folder(folder_around(old, folder))
    catalog = federation.catalog
    on = read_day(day, catalog.zone)
    before, after = policy_at(old, catalog, on), policy_at(new, catalog, on)
    if before.agency != after.agency:
        raise MalformedRequest(
            "the two are policies of two agencies", hint="compare versions of one"
        )
    requesters = tuple(requesters_of(federation).values())
    found = changes(before, after, requesters)
    shown = witnesses(before, after, catalog, requesters, found)
    widening = [one for one in found if one.effect is Effect.WIDENS]
    if format is Format.JSON:
        print_json(
            {
                "ok": accept_widening or not widening,
                "old": before.version,
                "new": after.version,
                "changes": [_document(one, shown.get(one)) for one in found],
            }
        )
    else:
        for one in found:
            _print(one, shown.get(one))
        print(
            f"{counted(len(found), 'change')} from version {before.version} to {after.version}, "
            f"{len(widening)} of them widening"
        )
    raise typer.Exit(FAILED if widening and not accept_widening else ANSWERED)


def _print(change: Change, witness: Witness | None) -> None:
    place = f"  (line {change.line})" if change.line else ""
    console().print(f"{change.effect}  {change.message}{place}", markup=False)
    if witness is not None:
        console().print(f"  asked: {witness.question}", markup=False)
        console().print(f"  before: {_told(witness.before)}", markup=False)
        console().print(f"  after:  {_told(witness.after)}", markup=False)


def _told(found: Answered) -> str:
    more = "; ".join(found.narrowed if found.releases else found.reasons)
    return f"{found.verdict} ({more})" if more else found.verdict


def _document(change: Change, witness: Witness | None) -> dict[str, object]:
    asked = None
    if witness is not None:
        asked = {
            "sql": witness.question.sql,
            "circumstances": witness.question.manner,
            "before": _told(witness.before),
            "after": _told(witness.after),
        }
    return {
        "effect": change.effect.value,
        "message": change.message,
        "line": change.line or None,
        "agreement": change.agreement,
        "question": asked,
    }
