"""A question made into a signed request: planned here, committed to, signed by the agency's key.

The client splits the SQL with the same pure planner as the gateway and signs SQL *and* fragments,
so that whoever carries the request can neither widen nor slice it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from narrows.client.question import Ask
from narrows.core.admission import day_of
from narrows.core.answer import (
    Acknowledgement,
    SignedAcknowledgement,
    acknowledgement_bytes,
    encode_acknowledgement,
)
from narrows.core.canonical import commit
from narrows.core.catalog import Catalog
from narrows.core.ledger.receipt import Receipt, receipt_digest
from narrows.core.parameters import encode_parameters
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.request import (
    MAX_LIFE_S,
    OPTIONAL_FIELDS,
    Audience,
    Commitments,
    Header,
    Opening,
    Signature,
    SignedRequest,
    encode_header,
    signing_bytes,
)
from narrows.core.terms import (
    ColumnType,
    Digest,
    MemberName,
    RequestId,
    TypedValue,
)

NONCE_BYTES = 16


class SigningKey(Protocol):
    """What signs for an agency."""

    @property
    def key_id(self) -> str:
        """The key's name in the directory."""
        ...

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature of 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Requesting:
    """Who asks, of which gateway; clock and randomness come in."""

    agency: MemberName
    gateway: str
    catalog: Catalog
    key: SigningKey
    plans: PlanCache
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]


def sign_request(ask: Ask, by: Requesting, approver: SigningKey | None = None) -> SignedRequest:
    """The signed request, with every opening; signed by the approver too, where there is a key.

    Raises: MalformedQuery, UnsupportedQuery, MalformedRequest: before anything is sent.
    """
    issued_at = by.clock()
    fragments = _fragments(ask, by, issued_at)
    values = {"sql": ask.sql.encode(), "parameters": encode_parameters(ask.parameters)}
    values |= {f"fragments/{n}": encoded for n, encoded in enumerate(fragments)}
    values |= {name: text.encode() for name, text in ask.optional.items() if text}
    openings = tuple(Opening(name, by.random(32), value) for name, value in values.items())
    commitments = {found.field: commit(found.field, found.salt, found.value) for found in openings}
    header = encode_header(_header(ask, by, issued_at, commitments))
    signers = [("agency", by.key), *([] if approver is None else [("approver", approver)])]
    signatures = tuple(
        Signature(role, key.key_id, "ed25519", key.sign(signing_bytes(header)))
        for role, key in signers
    )
    return SignedRequest(header, signatures, openings)


@dataclass(frozen=True, slots=True)
class ReceivedRows:
    """What was received of one recipient of an acknowledgement, and its receipt."""

    recipient: MemberName
    row_count: int
    receipt: Receipt


def sign_acknowledgements(
    request: RequestId,
    received: Sequence[ReceivedRows],
    by: Requesting,
    received_at: datetime,
) -> tuple[SignedAcknowledgement, ...]:
    """One acknowledgement for each recipient, so that none learns what the others gave."""
    return tuple(
        _sign_acknowledgement(
            Acknowledgement(
                request,
                by.agency,
                one.recipient,
                one.row_count,
                receipt_digest(one.receipt),
                received_at,
            ),
            by.key,
        )
        for one in received
    )


def _sign_acknowledgement(found: Acknowledgement, key: SigningKey) -> SignedAcknowledgement:
    body = encode_acknowledgement(found)
    signature = key.sign(acknowledgement_bytes(body))
    return SignedAcknowledgement(
        found.recipient, body, (Signature("agency", key.key_id, "ed25519", signature),)
    )


def _fragments(ask: Ask, by: Requesting, issued_at: datetime) -> list[bytes]:
    types = {name: value.type for name, value in ask.parameters.items()}
    split = by.plans.plan(ask.sql, types, by.catalog, ask.form)
    today = TypedValue(ColumnType.DATE, day_of(issued_at, by.catalog.zone))
    return [encode_fragment(found) for found in split.fill({**ask.parameters, TODAY_SLOT: today})]


def _header(
    ask: Ask, by: Requesting, issued_at: datetime, commitments: Mapping[str, Digest]
) -> Header:
    count = sum(name.startswith("fragments/") for name in commitments)
    return Header(
        nonce=by.random(NONCE_BYTES),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(seconds=MAX_LIFE_S),
        agency=by.agency,
        unit=ask.unit,
        purpose=ask.purpose,
        form=ask.form,
        authority=ask.authority,
        ticket=ask.ticket,
        emergency=ask.emergency,
        audience=Audience(by.catalog.federation, by.gateway, by.catalog.digest, PLANNER_VERSION),
        merge_at=ask.merge_at,
        partial=ask.partial,
        deadline_ms=round(ask.deadline_s * 1000),
        commitments=Commitments(
            sql=commitments["sql"],
            parameters=commitments["parameters"],
            fragments=tuple(commitments[f"fragments/{n}"] for n in range(count)),
            optional={name: commitments.get(name) for name in OPTIONAL_FIELDS},
        ),
    )
