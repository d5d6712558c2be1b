"""Rules about published cubes: what may not be published, and what tells of too few."""

from collections.abc import Iterator
from itertools import combinations

from narrows.core.policy.checks.finding import Finding, Severity, Subject
from narrows.core.policy.definition import why_unsound

LEAST_K = 5


def shared_relations(subject: Subject) -> Iterator[Finding]:
    """Two cubes of one relation: what one leaves out, the other may give away."""
    for first, second in combinations(subject.policy.cubes, 2):
        shared = sorted(set(first.relations) & set(second.relations))
        if shared:
            yield Finding(
                second.line,
                f"the cubes `{first.id}` and `{second.id}` are both of `{shared[0]}`",
                "publish one cube a relation, for all recipients: two give away what each hides",
                Severity.ERROR,
            )


def unsound(subject: Subject) -> Iterator[Finding]:
    """Each reason why a cube cannot be built."""
    for cube in subject.policy.cubes:
        for message, hint in why_unsound(subject.policy, subject.catalog, cube):
            yield Finding(cube.line, message, hint, Severity.ERROR)


def small_cells(subject: Subject) -> Iterator[Finding]:
    """A cube whose cells may be of fewer than five."""
    for cube in subject.policy.cubes:
        if cube.k < LEAST_K:
            yield Finding(
                cube.line,
                f"the cube `{cube.id}` shows cells of {cube.k} {cube.unit_name}",
                f"ask for at least {LEAST_K}: who knows the others knows the last one",
                Severity.WARNING,
            )


def unused(subject: Subject) -> Iterator[Finding]:
    """A cube that no agreement gives."""
    used = {grant.cube for one in subject.policy.agreements for grant in one.grants}
    for cube in subject.policy.cubes:
        if cube.id not in used:
            yield Finding(
                cube.line,
                f"no agreement gives the cube `{cube.id}`",
                "give it under `count`, or take it out",
                Severity.NOTE,
            )
