"""Rules about `never`: what it does not reach, and what it says twice."""

from collections.abc import Iterator

from narrows.core.policy.cascade import reaches
from narrows.core.policy.checks.finding import Finding, Severity, Subject
from narrows.core.policy.compare.order import columns_cover, never_covers


def unreached_by_never(subject: Subject) -> Iterator[Finding]:
    """A note for each clause on the held relations that its cascade leaves open.

    What the clause itself lets stay is said there, and not again.
    """
    policy, catalog = subject.policy, subject.catalog
    held = catalog.holds.get(policy.agency, frozenset(catalog.relations))
    for never in policy.never:
        named = held - never.stays
        open_ones = sorted(name for name in named if not reaches(never, catalog, name))
        if open_ones:
            names = ", ".join(f"`{name}`" for name in open_ones)
            yield Finding(
                never.line,
                f"`{never.clause}` does not reach {names}",
                "see that none of them tells what the clause hides",
                Severity.NOTE,
            )


def covered(subject: Subject) -> Iterator[Finding]:
    """A clause that hides nothing, since another hides all of it already."""
    policy = subject.policy
    for place, never in enumerate(policy.never):
        for other, by in enumerate(policy.never):
            # Of two that say the same, the later is too much.
            is_same = never_covers(never, by)
            if other != place and never_covers(by, never) and (not is_same or other < place):
                yield _too_much(never.line, never.clause, by.clause)
                break
    for place, columns in enumerate(policy.never_columns):
        for other, one in enumerate(policy.never_columns):
            is_equal = columns_cover((columns,), one)
            if (
                other != place
                and columns_cover((one,), columns)
                and (not is_equal or other < place)
            ):
                yield _too_much(columns.line, columns.clause, one.clause)
                break


def _too_much(line: int, clause: str, by: str) -> Finding:
    return Finding(
        line,
        f"`{clause}` never counts: `{by}` hides all of it",
        "take it out, or see what it was meant to hide",
        Severity.WARNING,
    )
