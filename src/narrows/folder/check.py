"""What is wrong or unwise in a federation's folder, in plain words."""

from dataclasses import dataclass
from pathlib import Path

from narrows.core.policy.check import check_policy
from narrows.core.policy.decision import Requester
from narrows.errors import BadFederation
from narrows.folder.load import Federation, load_folder


@dataclass(frozen=True, slots=True)
class FolderFinding:
    """One finding; `severity` is error, warning or note."""

    severity: str
    file: str
    line: int
    message: str
    hint: str


def check_folder(folder: Path) -> tuple[FolderFinding, ...]:
    """What there is to say; nothing for a folder that is well."""
    try:
        found = load_folder(folder)
    except BadFederation as error:
        place = f"{error.file}:{error.line}" if error.line else error.file
        message = error.message.removeprefix(f"{place}: ")
        return (FolderFinding("error", error.file, error.line, message, error.hint),)
    return check_policies(found)


def check_policies(federation: Federation) -> tuple[FolderFinding, ...]:
    """The findings of every holder's policy, judged for the members that there are."""
    requesters = tuple(
        Requester(member.name, member.member_class, member.country)
        for member in federation.members.values()
    )
    return tuple(
        FolderFinding(
            found.severity,
            f"members/{member.name}/policy.yaml",
            found.line,
            found.message,
            found.hint,
        )
        for member in federation.members.values()
        if member.node is not None
        for found in check_policy(
            member.node.policy,
            federation.catalog,
            requesters,
            approvers=len(member.approvers),
        )
    )
