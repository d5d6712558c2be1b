"""The tests of a holder's policy: the files under `members/<name>/cases/`, each tried."""

from dataclasses import dataclass

from narrows.core.plan.plan import plan
from narrows.core.policy.cases import (
    Case,
    circumstances_from,
    clauses_of,
    covered_by,
    differences,
    read_case,
)
from narrows.core.policy.decision import Requester
from narrows.core.policy.offline import decide_parts, together
from narrows.core.policy.versions import in_force_or_first
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, MalformedQuery, UnsupportedQuery
from narrows.folder.load import Federation, Node
from narrows.folder.policies import CASES


@dataclass(frozen=True, slots=True)
class Tried:
    """One case: its file, and what was decided otherwise; nothing where it passes."""

    file: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """All cases of one holder, and which clauses of its newest version they cover."""

    member: MemberName
    tried: tuple[Tried, ...]
    clauses: tuple[str, ...]
    covered: frozenset[str]

    @property
    def is_well(self) -> bool:
        """Whether every case passes."""
        return not any(one.wrong for one in self.tried)

    @property
    def uncovered(self) -> tuple[str, ...]:
        """The clauses that no case reaches, in the order of the policy."""
        return tuple(clause for clause in self.clauses if clause not in self.covered)

    @property
    def percent(self) -> int:
        """How many clauses of a hundred are covered, rounded down; all of none."""
        count = len(self.clauses)
        return 100 if count == 0 else 100 * (count - len(self.uncovered)) // count


def try_cases(federation: Federation, member: MemberName, node: Node) -> Trial:
    """Every case of the holder. Raises: BadFederation where a file is no case."""
    tried: list[Tried] = []
    covered: set[str] = set()
    for path in sorted((federation.folder / "members" / member / CASES).glob("*.txt")):
        file = f"members/{member}/{CASES}/{path.name}"
        try:
            case = read_case(path.read_text(encoding="utf-8"), file)
        except UnicodeDecodeError as cause:
            raise BadFederation("the file is not text in UTF-8", file=file) from cause
        wrong, reached = _try(case, federation, node)
        tried.append(Tried(file, wrong))
        covered |= reached
    return Trial(member, tuple(tried), clauses_of(node.policy), frozenset(covered))


def _try(case: Case, federation: Federation, node: Node) -> tuple[tuple[str, ...], frozenset[str]]:
    """What was decided otherwise, and the clauses of the newest version that decided."""
    asking = federation.members.get(MemberName(case.fields["as"]))
    if asking is None:
        hint = f"one of {', '.join(federation.members)}"
        raise BadFederation(f"no member `{case.fields['as']}`", hint=hint, file=case.file)
    requester = Requester(asking.name, asking.member_class, asking.country)
    who = circumstances_from(case.fields, requester, federation.catalog, case.file)
    policy = in_force_or_first(node.policies, who.day)
    try:
        split = plan(case.sql, {}, federation.catalog, who.form)
        parts = decide_parts(policy, federation.catalog, split, who)
    except (MalformedQuery, UnsupportedQuery) as error:
        return (f"the question is not taken: {error}",), frozenset()
    wrong = differences(case.expected, together(part.decision for part in parts))
    is_newest = policy.version == node.policy.version
    reached = covered_by(policy, federation.catalog, who, parts) if is_newest else frozenset()
    return wrong, reached
