"""`narrows policy check` and `fmt`: what is wrong in a policy's text, and its one layout."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.policy_common import (
    Folder,
    FolderOf,
    FormatOf,
    document_of,
    folder_around,
    print_findings,
)
from narrows.cli.show import ANSWERED, FAILED, Format, counted, print_json
from narrows.core.catalog import Catalog
from narrows.core.policy.format import format_policy
from narrows.errors import BadFederation
from narrows.folder.check import check_folder
from narrows.folder.load import load_folder
from narrows.folder.policies import read_policy

Paths = Annotated[list[Path], typer.Argument(help="policies, or a federation's folder for all")]


def check(
    folder: Folder,
    member: Annotated[str | None, typer.Argument(help="one holder; all, without")] = None,
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Say what is wrong or unwise in policies: each finding with its line and how to mend it.

    Exit code 1: an error is found, with which no node starts.

    Example: narrows policy check examples/canada vpd
    """
    if folder.is_file():
        hint = "name the federation's folder, and the member after it"
        raise BadFederation("a file is no federation", hint=hint, file=str(folder))
    home = "" if member is None else f"members/{member}/"
    if member is not None and folder.is_dir() and not (folder / home).is_dir():
        raise BadFederation(
            f"the federation has no member `{member}`", hint="name a folder of `members/`"
        )
    # What stands in the way of reading any policy concerns this one too.
    findings = [
        found
        for found in check_folder(folder, datetime.now(UTC))
        if found.file.startswith(home) or not found.file.startswith("members/")
    ]
    errors = [found for found in findings if found.severity == "error"]
    if format is Format.JSON:
        print_json({"ok": not errors, "findings": [document_of(found) for found in findings]})
    else:
        print_findings(findings)
        print(counted(len(errors), "error"))
    raise typer.Exit(FAILED if errors else ANSWERED)


def fmt(
    paths: Paths,
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; exit code 1 where one would change")
    ] = False,
    folder: FolderOf = None,
) -> None:
    """Bring policies into the one layout. Comments stay, and so does what the policy says.

    Example: narrows policy fmt examples/library
    Example: narrows policy fmt members/harbour/policy.yaml --check
    """
    changed = 0
    catalogs: dict[Path, Catalog] = {}
    for path in [file for one in paths for file in _files(one)]:
        around = folder_around(path, folder)
        if around not in catalogs:
            catalogs[around] = load_folder(around).catalog
        catalog = catalogs[around]
        _, text = read_policy(path, catalog)
        found = format_policy(text, catalog, str(path))
        if found == text:
            continue
        changed += 1
        print(f"{'would change' if check else 'changed'}  {path}")
        if not check:
            fresh = path.with_name(f"{path.name}.new")
            fresh.write_text(found, encoding="utf-8")
            fresh.replace(path)
    raise typer.Exit(FAILED if check and changed else ANSWERED)


def _files(path: Path) -> list[Path]:
    """The file, or every policy of a folder: of a federation or of a member."""
    if not path.is_dir():
        return [path]
    names = ("policy.yaml", "policies/*.yaml")
    globs = [glob for name in names for glob in (name, f"members/*/{name}")]
    return sorted(found for glob in globs for found in path.glob(glob))
