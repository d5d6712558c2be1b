"""What is wrong, or worth a second look, in a policy that reads well.

Errors stop a node from starting; warnings and notes are for the privacy officer. Every finding
has the line of its clause and says how to mend it.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

from narrows.core.catalog import Catalog
from narrows.core.policy.cascade import reaches
from narrows.core.policy.decide import covers_party
from narrows.core.policy.decision import Requester
from narrows.core.policy.definition import why_unsound
from narrows.core.policy.model import Agreement, Form, Grant, Policy
from narrows.core.terms import RelationName


class Severity(StrEnum):
    """How much a finding weighs; with an error nothing starts."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, its line in the file, and how to mend it."""

    line: int
    message: str
    hint: str
    severity: Severity


def check_policy(
    policy: Policy,
    catalog: Catalog,
    requesters: Collection[Requester] | None = None,
    day: date | None = None,
) -> tuple[Finding, ...]:
    """The findings, errors first, then by line.

    With `requesters`, agreements overlap where one of these fits both; without, where any could.
    With `day`, agreements that lapsed before it are warned of.
    """
    found = [*_overlaps(policy, requesters), *_unreached(policy, catalog)]
    found += [*_shared_relations(policy), *_cubes(policy, catalog)]
    for agreement in policy.agreements:
        found += _agreement(agreement, day)
        found += _not_held(agreement, policy, catalog)
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: (order.index(one.severity), one.line)))


def _overlaps(policy: Policy, requesters: Collection[Requester] | None) -> Iterator[Finding]:
    for first, second in combinations(policy.agreements, 2):
        shared = sorted(first.purposes & second.purposes)
        if shared and _terms_meet(first, second) and _parties_meet(first, second, requesters):
            yield Finding(
                second.line,
                f"`{first.id}` and `{second.id}` both apply to `{shared[0]}`",
                "part them by requester, purpose or term: at most one agreement may apply",
                Severity.ERROR,
            )


def _terms_meet(first: Agreement, second: Agreement) -> bool:
    return first.covers(second.valid_from) or second.covers(first.valid_from)


def _parties_meet(
    first: Agreement, second: Agreement, requesters: Collection[Requester] | None
) -> bool:
    if requesters is not None:
        return any(covers_party(first, one) and covers_party(second, one) for one in requesters)
    sides = (
        (first.parties.classes, second.parties.classes),
        (first.parties.countries, second.parties.countries),
        (first.parties.members, second.parties.members),
    )
    return (
        _names_anyone(first)
        and _names_anyone(second)
        and all(not one or not other or one & other for one, other in sides)
    )


def _names_anyone(agreement: Agreement) -> bool:
    parties = agreement.parties
    return bool(parties.classes or parties.countries or parties.members)


def _agreement(agreement: Agreement, day: date | None) -> Iterator[Finding]:
    def warn(message: str, hint: str) -> Finding:
        return Finding(agreement.line, f"`{agreement.id}` {message}", hint, Severity.WARNING)

    if not _names_anyone(agreement):
        yield warn("is with nobody", "name classes, country or members under `with`")
    if day is not None and agreement.valid_to is not None and agreement.valid_to < day:
        yield warn(f"lapsed on {agreement.valid_to}", "renew it, or take it out")
    for grant in agreement.grants:
        if grant.form is not Form.COUNT:
            yield from _reach(grant, warn)


def _reach(grant: Grant, warn: Callable[[str, str], Finding]) -> Iterator[Finding]:
    """A warning for what a grant shows or matches and nobody can come to."""
    if not grant.show:
        yield warn("shows no column", "list under `show` what it gives")
    keyed = {key.relation for key_set in grant.by for key in key_set}
    for relation in sorted(grant.show.keys() - grant.link):
        alone = [key_set for key_set in grant.by if {key.relation for key in key_set} == {relation}]
        if grant.by and not alone:
            yield warn(f"shows `{relation}`, which cannot be reached", "add it to `link`")
        elif grant.link:
            yield warn(
                f"shows `{relation}`, which can be asked alone only",
                "add it to `link` if it may be joined",
            )
    for relation in sorted(keyed - grant.link - grant.show.keys()):
        yield warn(f"matches `{relation}`, which is not linked", "add it to `link`")


def _not_held(agreement: Agreement, policy: Policy, catalog: Catalog) -> Iterator[Finding]:
    named: set[RelationName] = set()
    for grant in agreement.grants:
        keyed = {key.relation for key_set in grant.by for key in key_set}
        cube = policy.cube(grant.cube)
        named |= grant.show.keys() | grant.link | keyed | set(cube.relations if cube else ())
    for relation in sorted(named - catalog.holds.get(policy.agency, named)):
        yield Finding(
            agreement.line,
            f"`{agreement.id}` names `{relation}`, which `{policy.agency}` does not hold",
            "add it to the mapping, or take it out",
            Severity.WARNING,
        )


LEAST_K = 5


def _shared_relations(policy: Policy) -> Iterator[Finding]:
    """An error for two cubes of one relation: what one leaves out, the other may give away."""
    for first, second in combinations(policy.cubes, 2):
        shared = sorted(set(first.relations) & set(second.relations))
        if shared:
            yield Finding(
                second.line,
                f"the cubes `{first.id}` and `{second.id}` are both of `{shared[0]}`",
                "publish one cube a relation, for all recipients: two give away what each hides",
                Severity.ERROR,
            )


def _cubes(policy: Policy, catalog: Catalog) -> Iterator[Finding]:
    """An error for each reason why a cube cannot be built; a warning for cells of very few."""
    for cube in policy.cubes:
        for message, hint in why_unsound(policy, catalog, cube):
            yield Finding(cube.line, message, hint, Severity.ERROR)
        if cube.k < LEAST_K:
            yield Finding(
                cube.line,
                f"the cube `{cube.id}` shows cells of {cube.k} {cube.unit_name}",
                f"ask for at least {LEAST_K}: who knows the others knows the last one",
                Severity.WARNING,
            )


def _unreached(policy: Policy, catalog: Catalog) -> Iterator[Finding]:
    """A note for each clause on the held relations that its cascade leaves open."""
    held = catalog.holds.get(policy.agency, frozenset(catalog.relations))
    for never in policy.never:
        open_ones = sorted(name for name in held if not reaches(never, catalog, name))
        if open_ones:
            names = ", ".join(f"`{name}`" for name in open_ones)
            yield Finding(
                never.line,
                f"`{never.clause}` does not reach {names}",
                "see that none of them tells what the clause hides",
                Severity.NOTE,
            )
