"""`narrows check`: what is wrong or unwise in a federation's folder."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import Format, counted, print_json
from narrows.folder.check import check_folder

WELL = "all is well; nodes try their mappings against the databases when they start"


def check(
    folder: Annotated[Path, typer.Argument(help="the folder of a federation")],
    format: Annotated[Format, typer.Option(help="text or json")] = Format.TEXT,  # noqa: A002
) -> None:
    """Say in plain words what is wrong in FOLDER, or that all is well.

    Example: narrows check examples/library
    """
    findings = check_folder(folder, datetime.now(UTC))
    errors = [finding for finding in findings if finding.severity == "error"]
    if format is Format.JSON:
        print_json({"ok": not errors, "findings": [asdict(finding) for finding in findings]})
    else:
        for found in findings:
            hint = f": {found.hint}" if found.hint else ""
            place = f"{found.file}:{found.line}" if found.line else found.file
            print(f"{found.severity}  {place}: {found.message}{hint}")
        print(counted(len(errors), "error") if errors else WELL)
    raise typer.Exit(1 if errors else 0)
