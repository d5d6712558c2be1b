"""What gateway and node both enter about a request: its open account and its sealed fields."""

from collections.abc import Iterable

from narrows.core.admission import Admitted, Authentic
from narrows.core.answer import Outcome
from narrows.core.canonical import SALT_BYTES, commit
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.parts import Asked, Decided, Signed
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.request import OPTIONAL_FIELDS, SignedRequest, committed_fields
from narrows.core.terms import Holder


def asked(found: Admitted | Authentic) -> Asked:
    """What was asked, as its requester signed it: commitments, and no value."""
    header = found.header
    return Asked(
        agency=header.agency,
        unit=header.unit,
        purpose=header.purpose,
        form=header.form,
        authority=header.authority,
        issued_at=header.issued_at,
        header=found.request.header.decode(),
        signatures=tuple(
            Signed(one.role, one.key_id, one.algorithm, one.signature)
            for one in found.request.signatures
        ),
        ticket=header.ticket,
        emergency=header.emergency,
    )


def decided(holder: Holder, fragment: int, decision: Decision) -> Decided:
    """How the holder's policy decided on one fragment."""
    return Decided(
        holder=holder,
        fragments=(fragment,),
        decision=decision.verdict.value,
        agreement=decision.agreement,
        clauses=decision.clauses,
        policy_version=decision.policy_version,
        policy=decision.policy_digest,
        narrowed=decision.narrowed,
        withheld=decision.withheld,
        reason="; ".join(decision.reasons),
        keep_days=decision.keep_days,
    )


def kind_of(verdicts: Iterable[Verdict]) -> Kind:
    """What kind of entry a node makes of its decisions on one request."""
    found = set(verdicts)
    if found & {Verdict.ALLOWED, Verdict.NARROWED}:
        return Kind.DISCLOSURE
    return Kind.HELD if Verdict.HELD in found else Kind.REFUSAL


def outcome_of(verdicts: Iterable[Verdict]) -> Outcome:
    """What becomes of a question at a holder that decided so: one part refused is all refused."""
    found = set(verdicts)
    if Verdict.REFUSED in found:
        return Outcome.REFUSED
    return Outcome.HELD if Verdict.HELD in found else Outcome.ANSWERED


def sealed_fields(request: SignedRequest, trace_id: str = "") -> dict[str, bytes]:
    """The sealed part: who asked, for which case, in what words, and the way to its spans.

    The words are SQL and parameters at a gateway, and the fragments that it was asked at a node.
    """
    opened = {one.field: one.value for one in request.openings if one.field in _said(request)}
    return opened | ({"trace_id": trace_id.encode()} if trace_id else {})


def true_fields(found: Authentic) -> dict[str, bytes]:
    """The sealed part of a refusal: what its agency said, as far as the openings are true.

    A request that is refused need not open anything truly.
    """
    expected = committed_fields(found.header.commitments)
    said = _said(found.request)
    return {
        one.field: one.value
        for one in found.request.openings
        if one.field in said
        and len(one.salt) == SALT_BYTES
        and commit(one.field, one.salt, one.value) == expected.get(one.field)
    }


def _said(request: SignedRequest) -> frozenset[str]:
    """The openings that are sealed: fragments only where the text they were cut from is not here."""
    names = frozenset(("sql", "parameters", *OPTIONAL_FIELDS))
    opened = {one.field for one in request.openings}
    if "sql" in opened:
        return names
    return names | {name for name in opened if name.startswith("fragments/")}
