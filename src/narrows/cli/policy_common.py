"""What the commands of `narrows policy` share: the folder, its holder, who asks, where findings go."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from narrows.cli.show import Format
from narrows.core.policy.decision import Requester
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, MalformedRequest
from narrows.folder.check import FolderFinding
from narrows.folder.examine import TOP
from narrows.folder.load import Federation, Node

Folder = Annotated[Path, typer.Argument(help="the folder of a federation")]
HolderName = Annotated[str, typer.Argument(help="the holder whose policy it is")]
FolderOf = Annotated[
    Path | None,
    typer.Option("--folder", help="the federation's folder; that around the file, without"),
]
FormatOf = Annotated[Format, typer.Option("--format", help="text or json")]


def node_of(federation: Federation, name: str) -> Node:
    """The node of that holder. Raises: BadFederation, naming those that there are."""
    found = federation.members.get(MemberName(name))
    if found is None or found.node is None:
        holders = ", ".join(one.name for one in federation.members.values() if one.node)
        raise BadFederation(f"no holder `{name}`", hint=f"one of {holders}")
    return found.node


def requesters_of(federation: Federation) -> dict[MemberName, Requester]:
    """Every member as one that may ask."""
    return {
        name: Requester(name, member.member_class, member.country)
        for name, member in federation.members.items()
    }


def requester_named(federation: Federation, name: str) -> Requester:
    """The member of that name as one that asks. Raises: BadFederation, naming those there are."""
    found = requesters_of(federation).get(MemberName(name))
    if found is None:
        raise BadFederation(f"no member `{name}`", hint=f"one of {', '.join(federation.members)}")
    return found


def folder_around(path: Path, given: Path | None) -> Path:
    """The federation's folder: the one given, or the one that the file lies in.

    Raises: BadFederation where there is none.
    """
    if given is not None:
        return given
    for parent in path.resolve().parents:
        if (parent / TOP).is_file():
            return parent
    raise BadFederation(
        "the file lies in no federation's folder", hint="name it with --folder", file=str(path)
    )


def read_day(text: str, zone: str) -> date:
    """The day that is named, or today in that zone. Raises: MalformedRequest."""
    if not text:
        return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError as cause:
        message = "the day is none of the calendar"
        raise MalformedRequest(message, hint="write it as 2026-03-26") from cause


def print_findings(findings: Iterable[FolderFinding]) -> None:
    """One line each, in the order in which they come."""
    for found in findings:
        hint = f": {found.hint}" if found.hint else ""
        place = f"{found.file}:{found.line}" if found.line else found.file
        print(f"{found.severity}  {place}: {found.message}{hint}")


def document_of(finding: FolderFinding) -> dict[str, object]:
    """A finding for programs."""
    return asdict(finding)
