"""Checks of what a node sent, before any of it is used: the node may be broken or lie."""

from collections.abc import Sequence

from narrows.core.admission import Admitted
from narrows.core.canonical import Json
from narrows.core.directory import DirectoryKey
from narrows.core.entries import asked, decided, kind_of
from narrows.core.exchange import FragmentAnswer, NodeAnswer
from narrows.core.ledger.entry import Entry, check_rows, rows_field
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.parts import spell
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.sealed import sealed_digest
from narrows.core.terms import ColumnType
from narrows.engines.arrow import read_batch, schema_of
from narrows.errors import CheckFailed
from narrows.gateway.asking import HolderPlan


def check_answer(
    answer: NodeAnswer,
    plan: HolderPlan,
    admitted: Admitted,
    schemas: Sequence[Sequence[tuple[str, ColumnType]]],
    verifier: Verifier,
) -> Entry:
    """The node's entry, when receipt, rows and decisions agree with each other and the question.

    Raises: ProofInvalid for a receipt or rows that do not verify; CheckFailed for anything else.
    """
    # 1. The receipt is of this holder's ledger, about this request.
    entry = verify_receipt(answer.receipt, verifier)
    if entry.request != admitted.id:
        raise CheckFailed(f"the receipt of `{plan.holder}` is about another request")
    if answer.replayed:
        raise CheckFailed(f"`{plan.holder}` says that it answered this request before")
    # 2. It answers each fragment that was asked, once, and no other.
    answered = [found.fragment for found in answer.fragments]
    if answered != [part.index for part in plan.asked]:
        raise CheckFailed(f"`{plan.holder}` answered other fragments than it was asked")
    # 3. Rows come only where both sides' policy releases, and are entered as what may leave.
    _check_decisions(entry, answer, plan)
    openings = {opening.field: opening for opening in answer.openings}
    for part, found in zip(plan.asked, answer.fragments, strict=True):
        if not found.decision.releases:
            if found.batches:
                raise CheckFailed(f"`{plan.holder}` sent rows that its policy refuses")
            continue
        if admitted.merge_key is not None:
            # 4a. What is sealed is what the node's ledger says is carried; nobody here can read it.
            _check_sealed(entry, found, plan, admitted.merge_key)
            continue
        # 4. The rows are those that the node's ledger says may leave.
        opening = openings.get(rows_field(part.index))
        if opening is None:
            raise CheckFailed(f"`{plan.holder}` sent rows without an entry for them")
        check_rows(entry, opening, found.batches)
        # 5. The batches are well formed and of the fragment's columns.
        schema = schema_of(schemas[part.index])
        row_count = sum(read_batch(batch, schema).num_rows for batch in found.batches)
        if row_count != found.row_count:
            raise CheckFailed(f"`{plan.holder}` sent another number of rows than it says")
    # 6. What the entry says in the open is what both know: the requester compares it too, and
    # would refuse the whole answer for one node that entered something else.
    _check_open(entry, answer, plan, admitted)
    return entry


def _check_sealed(entry: Entry, found: FragmentAnswer, plan: HolderPlan, key: DirectoryKey) -> None:
    """Nothing, when the sealed batches, and one part more, are those that are entered."""
    entered = [one for one in entry.objects("released") if one.get("fragment") == found.fragment]
    told: dict[str, Json] = {
        "sealed_to": key.key_id,
        "sealed": sealed_digest(found.batches[:-1]).hex(),
        "batch_count": len(found.batches) - 1,
    }
    if len(entered) != 1 or any(entered[0].get(name) != value for name, value in told.items()):
        raise CheckFailed(f"`{plan.holder}` sent other sealed rows than it entered")


def _check_decisions(entry: Entry, answer: NodeAnswer, plan: HolderPlan) -> None:
    """What a node remembers may make less of a release, never more: a ticket that is not approved."""
    for part, found in zip(plan.asked, answer.fragments, strict=True):
        if part.decision is not None and not _follows(found.decision, part.decision):
            raise CheckFailed(f"`{plan.holder}` decided otherwise than its published policy")
    if entry.kind is not kind_of(found.decision.verdict for found in answer.fragments):
        raise CheckFailed(f"`{plan.holder}` sent another kind of entry than it decided")


def _follows(told: Decision, policy: Decision) -> bool:
    """Whether a node may decide so where its policy says that: the same, or less."""
    if told == policy:
        return True
    names = ("agreement", "clauses", "policy_version", "policy_digest")
    return _is_less(told, policy) and all(
        getattr(told, name) == getattr(policy, name) for name in names
    )


def _is_less(told: Decision, policy: Decision) -> bool:
    """Whether nothing is released where something is, or what is held is not even that."""
    if policy.verdict is Verdict.HELD:
        return told.verdict is Verdict.REFUSED
    return policy.releases and not told.releases


def _check_open(entry: Entry, answer: NodeAnswer, plan: HolderPlan, admitted: Admitted) -> None:
    decisions = tuple(
        decided(plan.holder, found.fragment, found.decision) for found in answer.fragments
    )
    known = {"asked": spell(asked(admitted)), "decisions": spell(decisions)}
    if any(entry.open.get(name) != value for name, value in known.items()):
        raise CheckFailed(f"`{plan.holder}` entered another question or decision than was put")
    released = entry.objects("released")
    row_counts = [(one.get("fragment"), one.get("row_count")) for one in released]
    sent = [(one.fragment, one.row_count) for one in answer.fragments if one.decision.releases]
    if row_counts != sent:
        raise CheckFailed(f"`{plan.holder}` entered another number of rows than it sent")


def decisions_of(plan: HolderPlan, answer: NodeAnswer | None) -> tuple[Decision, ...]:
    """What stands for each part that was asked: the policy's decision, or the node's stricter one.

    Needs: every part is decided; an answer to each, or none.
    """
    if answer is None or len(answer.fragments) != len(plan.asked):
        return plan.decisions
    return tuple(
        found.decision
        if part.decision is None or _is_less(found.decision, part.decision)
        else part.decision
        for part, found in zip(plan.asked, answer.fragments, strict=True)
    )
