"""What a ledger's tokens are made of: the literals that were matched, and the subjects of rows.

A token is the holder's keyed hash of one value in one field (`store/secrets.py`), so that a ledger
can be asked about a person, and budgets can count, while nobody without the key can guess what was
asked. Literals are taken as the key compares them, hit or miss, also where the row is hidden: they
depend on the request alone. A field is named `relation.column`; a key and what refers to it have
one name (`Catalog.key_domains`), so that a person is one person in every relation.

At rest, tokens stand one after another, sorted, among others that stand for nothing: so what is
sealed about a miss is as long as what is sealed about a hit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeAlias

from narrows.core.canonical import canonical_bytes
from narrows.core.catalog import Catalog
from narrows.core.normal import normal_name
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.anchors import Anchoring, Match, find_anchorings
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.grants import MOST_PERSONS, literal_of
from narrows.core.policy.model import KeyColumn, KeyKind, Policy
from narrows.core.policy.subjects import field_of
from narrows.core.terms import Holder, TypedValue

Token: TypeAlias = Callable[[str, str], bytes]
"""Field, value -> the token; the key stays at the holder."""
Named: TypeAlias = tuple[str, str]
"""A field and a value in it."""
TOKEN_BYTES = 16
LEAST_TOKENS = 64
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Sought:
    """What one fragment matches: every literal, and whom it is about.

    A person is what the required keys name together, without codes, which many share, and without
    days, where anything else is matched: who shifts a day or leaves an optional key out asks about
    the same person all the same.
    """

    literals: frozenset[Named] = frozenset()
    persons: frozenset[Named] = frozenset()

    def __or__(self, other: "Sought") -> "Sought":
        """Both together."""
        return Sought(self.literals | other.literals, self.persons | other.persons)


def sought_in(
    policy: Policy, catalog: Catalog, fragment: Fragment, circumstances: Circumstances
) -> Sought:
    """What the fragment matches under the policy, whatever it decides.

    Of a fragment that is refused, what it would match under any key of the holder's agreements: who
    was looked for in vain, too, must be found by whoever asks the ledger.
    """
    found = Sought()
    for anchoring in _anchorings(policy, catalog, fragment, circumstances):
        found |= _of_anchoring(anchoring, fragment, catalog, policy.agency)
    return found


def pack_tokens(tokens: Iterable[bytes], blank: Token, salt: str) -> bytes:
    """The tokens, each once, filled up to a power of two and sorted; `unpack_tokens` undoes it.

    `salt` makes the fillers. Needs: another one for each field of each entry, since what two fields
    with the same fillers do not have in common is real. Nobody without the key can tell them apart.
    """
    real = sorted(set(tokens))
    size = LEAST_TOKENS
    while size < len(real):
        size *= 2
    fillers = (blank(_NOBODY, f"{salt}/{number}") for number in range(size - len(real)))
    return b"".join(sorted((*real, *fillers)))


def unpack_tokens(packed: bytes) -> frozenset[bytes]:
    """Every token, those that stand for nothing included."""
    starts = range(0, len(packed), TOKEN_BYTES)
    return frozenset(packed[start : start + TOKEN_BYTES] for start in starts)


def _anchorings(
    policy: Policy, catalog: Catalog, fragment: Fragment, circumstances: Circumstances
) -> Iterable[Anchoring]:
    """The anchor that counts where the fragment is given; else every one that there might be."""
    agreement, _ = applicable(policy, circumstances)
    if agreement is not None:
        grant, reading = choose_grant(policy, catalog, fragment, agreement, circumstances)
        if grant is not None:
            return () if reading.anchoring is None else (reading.anchoring,)
    concerned = policy.agreements if agreement is None else (agreement,)
    grants = (grant for one in concerned for grant in one.grants)
    return (found for grant in grants for found in find_anchorings(fragment, grant))


def _of_anchoring(
    anchoring: Anchoring, fragment: Fragment, catalog: Catalog, holder: Holder
) -> Sought:
    """The literals of each key, and the persons that the keys name together."""
    named: dict[KeyColumn, list[Named]] = {}
    for match in anchoring.matches:
        field = _field(match, fragment, catalog)
        for value in match.values:
            if (text := _spelled(match, value, fragment, catalog, holder)) is not None:
                named.setdefault(match.key, []).append((field, text))
    parts = [list(dict.fromkeys(named[key])) for key in _telling(list(named), catalog)]
    persons = {
        ("+".join(field for field, _ in found), canonical_bytes([v for _, v in found]).decode())
        for found in islice(product(*parts), MOST_PERSONS)
        if found
    }
    return Sought(frozenset(one for found in named.values() for one in found), frozenset(persons))


def _telling(keys: Sequence[KeyColumn], catalog: Catalog) -> Sequence[KeyColumn]:
    """The keys by which a person is told from others; all of them, where none is such."""
    open_ended = [key for key in keys if not key.optional and not _is_coded(key, catalog)]
    exact = [key for key in open_ended if key.kind is not KeyKind.WITHIN_DAYS]
    return exact or open_ended or keys


def _is_coded(key: KeyColumn, catalog: Catalog) -> bool:
    columns = (catalog.relations[key.relation].column(name) for name in key.columns)
    return all(found is not None and found.codes for found in columns)


def _field(match: Match, fragment: Fragment, catalog: Catalog) -> str:
    relation = fragment.relation_of(match.column.alias)
    names = "+".join(field_of(catalog, relation, one.column) for one in match.columns)
    first = match.key.kind is KeyKind.FIRST
    return f"{names}/first {match.key.length}" if first else names


def _spelled(
    match: Match, value: TypedValue, fragment: Fragment, catalog: Catalog, holder: Holder
) -> str | None:
    """The literal as the key compares it; an id without this holder's name; None for no literal."""
    compared = literal_of(match.key, value)
    text = None if compared is None else compared.text
    if text is None:
        return None
    if match.key.kind is KeyKind.SIMILAR:
        return " ".join(sorted(normal_name(text).split()))
    column = catalog.relations[fragment.relation_of(match.column.alias)].column(match.column.column)
    return text.removeprefix(f"{holder}:") if column is not None and column.is_id else text
