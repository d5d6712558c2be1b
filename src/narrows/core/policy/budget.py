"""Counting what is asked of a holder, day by day: pure values, from which nodes keep their tally.

A counter is kept for each agreement, member and day, and for each officer or purpose of it where
the budget says so (`per`). It counts requests, the tokens of distinct literals, and for the token
of each person the questions about it, hit or miss. One request is charged whole or not at all, and
the refusal is one text whatever is spent: which person was asked about too often is not said.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.normal import one_spelling
from narrows.core.policy.model import Budget
from narrows.core.terms import MemberName, Purpose
from narrows.errors import MalformedRequest, ProofInvalid


@dataclass(frozen=True, slots=True)
class Counter:
    """Whose questions are counted together. `officer` and `purpose` are empty unless told apart."""

    agreement: str
    member: MemberName
    day: date
    officer: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes from one counter; the sets hold tokens."""

    counter: Counter
    literals: frozenset[bytes]
    persons: frozenset[bytes]


@dataclass(slots=True)
class Spent:
    """What was taken from one counter."""

    requests: int = 0
    literals: set[bytes] = field(default_factory=set[bytes])
    persons: dict[bytes, int] = field(default_factory=dict[bytes, int])

    def take(self, charge: Charge) -> None:
        """Nothing; one request more is counted."""
        self.requests += 1
        self.literals |= charge.literals
        for token in charge.persons:
            self.persons[token] = self.persons.get(token, 0) + 1

    def leaves(self, budget: Budget, charge: Charge) -> bool:
        """Whether this request, taken too, passes no limit."""
        literals = len(self.literals) + len(charge.literals - self.literals)
        most = max((self.persons.get(token, 0) for token in charge.persons), default=0) + 1
        return (
            (budget.requests is None or self.requests < budget.requests)
            and (budget.literals is None or literals <= budget.literals)
            and (budget.same_person is None or most <= budget.same_person)
        )


def counter_of(
    agreement: str, budget: Budget, who: tuple[MemberName, str, Purpose], day: date
) -> Counter:
    """The counter that a request of this member, officer and purpose is charged to."""
    member, officer, purpose = who
    return Counter(
        agreement,
        member,
        day,
        one_spelling(officer) if "officer" in budget.per else "",
        purpose if "purpose" in budget.per else "",
    )


def spent_reason(agreement: str) -> str:
    """Why a request is refused that a budget does not allow any more; the same for every subject."""
    return f"the budget of `{agreement}` for this day is spent"


def encode_charge(charge: Charge) -> bytes:
    """The canonical bytes, which an entry seals; `decode_charge` undoes it."""
    counter = charge.counter
    return canonical_bytes(
        {
            "agreement": counter.agreement,
            "member": counter.member,
            "day": counter.day.isoformat(),
            "officer": counter.officer,
            "purpose": counter.purpose,
            "literals": _spell(charge.literals),
            "persons": _spell(charge.persons),
        }
    )


def decode_charge(data: bytes) -> Charge:
    """The charge that these bytes spell. Raises: ProofInvalid for anything else."""
    try:
        match parse_canonical(data):
            case {
                "agreement": str(agreement),
                "member": str(member),
                "day": str(day),
                "officer": str(officer),
                "purpose": str(purpose),
                "literals": list(literals),
                "persons": list(persons),
            }:
                when = date.fromisoformat(day)
                counter = Counter(agreement, MemberName(member), when, officer, purpose)
                return Charge(counter, _read(literals), _read(persons))
    except (MalformedRequest, ValueError) as cause:
        raise ProofInvalid("a charge of a budget is not of the published form") from cause
    raise ProofInvalid("a charge of a budget is not of the published form")


def _spell(tokens: Iterable[bytes]) -> list[Json]:
    return [token.hex() for token in sorted(tokens)]


def _read(tokens: Iterable[Json]) -> frozenset[bytes]:
    return frozenset(bytes.fromhex(str(token)) for token in tokens)
