"""What gateway and node both enter about a request: its open account and its sealed fields."""

from narrows.core.admission import Admitted
from narrows.core.ledger.parts import Asked, Decided, Signed
from narrows.core.policy.model import Decision
from narrows.core.request import OPTIONAL_FIELDS, SignedRequest
from narrows.core.terms import Holder


def asked(admitted: Admitted) -> Asked:
    """What was asked, as its requester signed it: commitments, and no value."""
    header = admitted.header
    return Asked(
        agency=header.agency,
        unit=header.unit,
        purpose=header.purpose,
        form=header.form,
        authority=header.authority,
        issued_at=header.issued_at,
        header=admitted.request.header.decode(),
        signatures=tuple(
            Signed(found.role, found.key_id, found.algorithm, found.signature)
            for found in admitted.request.signatures
        ),
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
    )


def sealed_fields(request: SignedRequest, trace_id: str) -> dict[str, bytes]:
    """The sealed part: who asked, for which case, in what words, and the way to its spans."""
    names = ("sql", "parameters", *OPTIONAL_FIELDS)
    opened = {name: value for name in names if (value := request.opened(name)) is not None}
    return opened | {"trace_id": trace_id.encode()}
