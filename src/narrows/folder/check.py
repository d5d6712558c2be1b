"""What is wrong or unwise in a federation's folder, in plain words."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from narrows.core.admission import day_of
from narrows.core.policy.check import check_policy
from narrows.core.policy.decision import Requester
from narrows.core.policy.model import Policy
from narrows.errors import BadFederation
from narrows.folder.load import Federation, Member, Node, load_folder


@dataclass(frozen=True, slots=True)
class FolderFinding:
    """One finding; `severity` is error, warning or note."""

    severity: str
    file: str
    line: int
    message: str
    hint: str


def check_folder(folder: Path, now: datetime | None = None) -> tuple[FolderFinding, ...]:
    """What there is to say; nothing for a folder that is well. With `now`, also of what lapsed."""
    try:
        found = load_folder(folder)
    except BadFederation as error:
        place = f"{error.file}:{error.line}" if error.line else error.file
        message = error.message.removeprefix(f"{place}: ")
        return (FolderFinding("error", error.file, error.line, message, error.hint),)
    return check_policies(found, None if now is None else day_of(now, found.zone))


def check_policies(federation: Federation, day: date | None = None) -> tuple[FolderFinding, ...]:
    """The findings of every holder's policies, judged for the members that there are.

    Of versions that another one has replaced, only errors: nobody mends what was in force once.
    """
    requesters = tuple(
        Requester(member.name, member.member_class, member.country)
        for member in federation.members.values()
    )
    return tuple(
        FolderFinding(
            found.severity,
            file,
            found.line,
            found.message,
            found.hint,
        )
        for member in federation.members.values()
        if member.node is not None
        for file, policy in _versions(member, member.node).items()
        for found in check_policy(
            policy,
            federation.catalog,
            requesters,
            day if policy.version >= member.node.policy.version else None,
            approvers=len(member.approvers),
        )
        if policy.version >= member.node.policy.version or found.severity == "error"
    )


def _versions(member: Member, node: Node) -> dict[str, Policy]:
    """Every version of a holder's policy, by its file."""
    return {f"members/{member.name}/policy.yaml": node.policy, **node.other_policies}
