"""What a gap means: whether an answer without some holder could say something false.

Asked twice: before any node is called, about the holders whose policy refuses, so that nobody's
rows travel for an answer that is withheld anyway; and after, about all that are missing.
"""

from collections.abc import Collection, Iterable, Mapping

from narrows.core.plan.split import Split
from narrows.core.terms import Holder

SPARED = "its rows would be given to nobody"
"""Why a holder is not called whose rows an answer that is withheld anyway would not give."""


def why_withheld(
    split: Split,
    asked: Mapping[Holder, Collection[int]],
    gaps: Collection[Holder],
    *,
    partial: bool,
    held: Collection[Holder] = (),
) -> str:
    """Empty when rows may be given; else the reason why not, with what to do.

    `asked` says which parts concern each holder, `gaps` which of these holders are missing, `held`
    which of those hold the request, so that it may be collected later.
    Rows are given in spite of a gap only where the request allows it and the query is monotone in
    the missing holder's fragments: then more rows could only add to the answer, never undo it.
    """
    if not gaps:
        return ""
    others = [holder for holder in asked if holder not in gaps]
    waiting = [holder for holder in gaps if holder in held]
    if not others:
        return f"{_names(waiting)} must decide first" if waiting else "no holder answered"
    hint = _ask_the_others(others)
    if len(waiting) == len(gaps):
        hint = f"{hint}, or of all with the ticket once it is approved"
    missing = {part for holder in gaps for part in asked[holder]}
    if any(not split.parts[part].monotone for part in missing):
        return f"without {_names(gaps)} the answer could say something false: {hint}"
    if not partial:
        return (
            f"{_names(gaps)} did not answer, and the request allows no incomplete answer: {hint}, "
            "or allow one"
        )
    return ""


def _ask_the_others(others: Iterable[Holder]) -> str:
    listed = ", ".join(f"'{holder}'" for holder in others)
    return f"ask of the others alone, WHERE holder IN ({listed})"


def _names(holders: Iterable[Holder]) -> str:
    return ", ".join(f"`{holder}`" for holder in holders)
