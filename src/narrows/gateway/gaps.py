"""What a gap means: whether an answer without some holder could say something false."""

from collections.abc import Sequence

from narrows.core.answer import HolderReport
from narrows.core.plan.split import Split
from narrows.core.terms import Holder
from narrows.gateway.asking import HolderPlan


def why_withheld(
    split: Split,
    plans: Sequence[HolderPlan],
    reports: Sequence[HolderReport],
    *,
    partial: bool,
) -> str:
    """Empty when rows may be given; else the reason why not, with what to do.

    Rows are given in spite of a gap only where the request allows it and the query is monotone in
    the missing holder's fragments: then more rows could only add to the answer, never undo it.
    """
    gaps = [report.holder for report in reports if report.outcome.is_gap]
    if not gaps:
        return ""
    answered = [report.holder for report in reports if not report.outcome.is_gap and report.receipt]
    if not answered:
        return "no holder answered"
    hint = _ask_the_others(answered)
    if not partial:
        return f"{_names(gaps)} did not answer, and the request allows no incomplete answer: {hint}"
    missing = {part.index for plan in plans if plan.holder in gaps for part in plan.asked}
    if any(not split.parts[index].monotone for index in missing):
        return f"without {_names(gaps)} the answer could say something false: {hint}"
    return ""


def _ask_the_others(answered: Sequence[Holder]) -> str:
    listed = ", ".join(f"'{holder}'" for holder in answered)
    return f"ask of the others alone, WHERE holder IN ({listed})"


def _names(holders: Sequence[Holder]) -> str:
    return ", ".join(f"`{holder}`" for holder in holders)
