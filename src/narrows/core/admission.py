"""Whether a signed request is let in: the same steps at the gateway and at every node.

Each verifies for itself, against its own directory, so a gateway that lies in any field of what
it passes on is found out by the node. Nothing here looks at rows or policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from narrows.core.catalog import Catalog
from narrows.core.directory import Approver, Directory, DirectoryKey, DirectoryMember
from narrows.core.normal import is_same_person
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.request import (
    AT_GATEWAY,
    AT_REQUESTER,
    CLOCK_SKEW_S,
    MAX_LIFE_S,
    Header,
    SignedRequest,
    check_openings,
    decode_header,
    signing_bytes,
)
from narrows.core.terms import REQUEST_ID, RequestId
from narrows.errors import (
    CatalogChanged,
    CheckFailed,
    MalformedRequest,
    PlannerDiffers,
    RequestExpired,
    UnknownCaller,
    UnsupportedQuery,
)

APPROVER = "approver"
VerifySignature = Callable[[bytes, bytes, bytes], bool]
"""Public key, message, signature -> whether it verifies."""
MAX_HEADER_BYTES = 64_000
FORMS = ("lookup", "list", "count", "pointer")
MERGE_PLACES = (AT_GATEWAY, AT_REQUESTER)


@dataclass(frozen=True, slots=True)
class Door:
    """What a request must be addressed to in order to be let in here.

    `open_since` is the start of this process: what was issued before it might have been answered
    and forgotten.
    """

    catalog: Catalog
    gateways: frozenset[str]
    planner: str
    open_since: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request whose signatures, times, address and openings are verified.

    `approvers` are the named persons of its agency whose own signature it carries; `merge_key` is
    the agency's, where rows are to be sealed to it.
    """

    request: SignedRequest
    header: Header
    requester: Requester
    day: date
    """The day of the signed issue time, in the federation's zone."""
    approvers: tuple[Approver, ...] = ()
    merge_key: DirectoryKey | None = None

    @property
    def id(self) -> RequestId:
        """The request's id."""
        return self.request.id

    @property
    def circumstances(self) -> Circumstances:
        """What policy decides on, apart from the fragment."""
        optional = self.header.commitments.optional.items()
        given = {name for name, digest in optional if digest is not None}
        if self.header.authority:
            given.add("authority")
        officer, approver = (self.request.text(name) for name in ("officer", APPROVER))
        return Circumstances(
            self.requester,
            self.header.purpose,
            self.header.form,
            self.day,
            frozenset(given),
            signed_by=frozenset(("agency", APPROVER) if self.approvers else ("agency",)),
            self_approved=is_same_person(officer, approver),
            emergency=self.header.emergency,
            has_ticket=self.header.ticket is not None,
        )


@dataclass(frozen=True, slots=True)
class Authentic:
    """A request whose every signature verifies, and nothing more: it may be refused yet.

    What is refused from here on can be entered with all that its agency said.
    """

    request: SignedRequest
    header: Header
    member: DirectoryMember
    approvers: tuple[Approver, ...] = ()


def admit(
    request: SignedRequest,
    door: Door,
    directory: Directory,
    verify: VerifySignature,
    now: datetime,
) -> Admitted:
    """The request, admitted. Raises: as `authenticate` and `admit_authentic`, in that order."""
    return admit_authentic(authenticate(request, directory, verify), door, now)


def authenticate(
    request: SignedRequest, directory: Directory, verify: VerifySignature
) -> Authentic:
    """The request, whose signature verifies. Raises: MalformedRequest, UnknownCaller."""
    # 1. The header is in the published format.
    if len(request.header) > MAX_HEADER_BYTES:
        raise MalformedRequest(f"the header of the request is over {MAX_HEADER_BYTES} bytes")
    header = decode_header(request.header)
    # 2. A member's key signed it, as the agency.
    member = directory.member(header.agency)
    if member is None:
        raise UnknownCaller(
            "the agency that signed is not a member of the federation",
            hint="ask whoever keeps the directory",
        )
    _check_signature(request, member, verify)
    # 3. Whoever signed it as an approver is a named person of that member.
    return Authentic(request, header, member, _approvers(request, member, verify))


def admit_authentic(found: Authentic, door: Door, now: datetime) -> Admitted:
    """The request, admitted; `required` openings are the caller's to check (`check_openings`).

    Raises: the error of the first step that fails, in the order of the code.
    """
    request, header, member = found.request, found.header, found.member
    # 4. It is made for this federation, gateway, catalog and planner.
    _check_audience(header, door)
    # 5. It is neither too old, nor from the future, nor too long-lived.
    _check_times(header, door, now)
    # 6. It asks in a way that is spoken here.
    _check_manner(header, door)
    # 7. Who wants to merge has a key to seal to.
    merge_key = _merge_key(found)
    # 8. What it opens is what it committed to.
    check_openings(request, header, ())
    # 9. The approver whom it names is the one who signed.
    _check_approvers(found)
    return Admitted(
        request,
        header,
        Requester(header.agency, member.member_class, member.country),
        day_of(header.issued_at, door.catalog.zone),
        found.approvers,
        merge_key,
    )


def day_of(time: datetime, zone: str) -> date:
    """The day of a time in a zone of the IANA database."""
    return time.astimezone(ZoneInfo(zone)).date()


def _check_signature(
    request: SignedRequest, member: DirectoryMember, verify: VerifySignature
) -> None:
    message = signing_bytes(request.header)
    for signature in request.signatures:
        if signature.role != "agency" or signature.algorithm != "ed25519":
            continue
        for key in member.request_keys:
            if key.key_id == signature.key_id and verify(key.raw, message, signature.signature):
                return
    raise UnknownCaller(
        f"no signature of the request verifies under a key of `{member.name}`",
        hint="check that the signing key is the one in the directory",
    )


def _approvers(
    request: SignedRequest, member: DirectoryMember, verify: VerifySignature
) -> tuple[Approver, ...]:
    """The persons who signed as approvers. One signature that does not verify spoils them all."""
    message = signing_bytes(request.header)
    found: list[Approver] = []
    for signature in request.signatures:
        if signature.role != APPROVER:
            continue
        person = member.approver(signature.key_id)
        if (
            person is None
            or signature.algorithm != "ed25519"
            or not verify(person.key.raw, message, signature.signature)
        ):
            raise UnknownCaller(
                f"a signature of an approver is of nobody whom the directory names for "
                f"`{member.name}`",
                hint="check that the approver's key is the one in the directory",
            )
        found.append(person)
    return tuple(found)


def _merge_key(found: Authentic) -> DirectoryKey | None:
    """The key that rows are sealed to; None where the gateway merges."""
    if found.header.merge_at != AT_REQUESTER:
        return None
    if found.member.merge_key is None:
        raise UnsupportedQuery(
            f"the directory has no merge key of `{found.member.name}`, which wants to merge",
            hint="have one added to the directory, or leave the merge to the gateway",
        )
    return found.member.merge_key


def _check_approvers(found: Authentic) -> None:
    named = found.request.text(APPROVER)
    if any(person.name != named for person in found.approvers):
        raise UnknownCaller(
            "the approver who signed is not the one whom the request names",
            hint="name the approver who signs",
        )


def _check_audience(header: Header, door: Door) -> None:
    audience = header.audience
    if audience.federation != door.catalog.federation or audience.gateway not in door.gateways:
        raise CheckFailed(
            "the request was signed for another federation or gateway",
            hint="sign a new request for this one",
        )
    if audience.catalog != door.catalog.digest:
        raise CatalogChanged(
            "the request was made for another catalog",
            hint="fetch the current catalog and sign again",
            metadata={"signed": audience.catalog.hex(), "current": door.catalog.digest.hex()},
        )
    if audience.planner != door.planner:
        raise PlannerDiffers(
            "the request was split by another version of the planner",
            hint="bring client and gateway to one version",
            metadata={"signed": audience.planner, "current": door.planner},
        )


def _check_times(header: Header, door: Door, now: datetime) -> None:
    skew = timedelta(seconds=CLOCK_SKEW_S)
    life = header.expires_at - header.issued_at
    if not timedelta(0) < life <= timedelta(seconds=MAX_LIFE_S):
        raise RequestExpired(
            f"the request lives longer than {MAX_LIFE_S} s, or not at all",
            hint="sign a new one",
        )
    if header.issued_at > now + skew:
        raise RequestExpired("the request is dated in the future", hint="set the clock")
    if header.expires_at < now - skew:
        raise RequestExpired("the request has expired", hint="set the clock, sign a new one")
    if header.issued_at < door.open_since:
        raise RequestExpired(
            "the request was issued before this process started", hint="sign a new one"
        )


def _check_manner(header: Header, door: Door) -> None:
    if header.purpose not in door.catalog.purposes:
        raise MalformedRequest(
            "the purpose is not one of the federation's",
            hint=f"choose one of {', '.join(sorted(door.catalog.purposes))}",
        )
    if header.form not in FORMS:
        raise UnsupportedQuery(
            "the form of the question is not offered here", hint=f"use {', '.join(FORMS)}"
        )
    if header.merge_at not in MERGE_PLACES:
        raise UnsupportedQuery(
            "the place of the merge is not offered here", hint=f"use {', '.join(MERGE_PLACES)}"
        )
    if header.ticket is not None and not REQUEST_ID.fullmatch(header.ticket):
        raise MalformedRequest(
            "the ticket is not 32 hexadecimal digits", hint="give the id of the held request"
        )
    if not 0 < header.deadline_ms <= MAX_LIFE_S * 1000:
        raise MalformedRequest(f"the deadline is not within 1 ms and {MAX_LIFE_S} s")
