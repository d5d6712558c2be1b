"""`narrows policy test`: the cases in a holder's folder, and which clauses they cover."""

from typing import Annotated

import typer

from narrows.cli.policy_common import Folder, FormatOf, node_of
from narrows.cli.show import ANSWERED, FAILED, Format, counted, print_json
from narrows.core.terms import MemberName
from narrows.folder.cases import Trial, try_cases
from narrows.folder.load import load_folder


def try_all(
    folder: Folder,
    member: Annotated[str | None, typer.Argument(help="one holder; all, without")] = None,
    min_coverage: Annotated[
        int, typer.Option(min=0, max=100, help="fewest clauses of a hundred that cases cover")
    ] = 0,
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Try the cases under members/MEMBER/cases, and say which clauses none covers.

    Exit code 1: a case is decided otherwise, or too few clauses are covered.

    Example: narrows policy test examples/library harbour --min-coverage 100
    """
    federation = load_folder(folder)
    names = (
        [MemberName(member)] if member else [m.name for m in federation.members.values() if m.node]
    )
    trials = [try_cases(federation, name, node_of(federation, name)) for name in names]
    is_well = all(one.is_well and one.percent >= min_coverage for one in trials)
    if format is Format.JSON:
        print_json({"ok": is_well, "members": [_document(one) for one in trials]})
    else:
        for one in trials:
            _print(one)
    raise typer.Exit(ANSWERED if is_well else FAILED)


def _print(trial: Trial) -> None:
    for one in trial.tried:
        print(f"{'FAILED' if one.wrong else 'passed'}  {one.file}")
        for text in one.wrong:
            print(f"  {text}")
    failed = sum(bool(one.wrong) for one in trial.tried)
    print(
        f"{trial.member}: {counted(len(trial.tried), 'case')}, {failed} failed; "
        f"{trial.percent} % of {counted(len(trial.clauses), 'clause')} covered"
    )
    for clause in trial.uncovered:
        print(f"  no case covers {clause}")


def _document(trial: Trial) -> dict[str, object]:
    return {
        "member": trial.member,
        "cases": [{"file": one.file, "wrong": list(one.wrong)} for one in trial.tried],
        "coverage_percent": trial.percent,
        "clauses": list(trial.clauses),
        "uncovered": list(trial.uncovered),
    }
