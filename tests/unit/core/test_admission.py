"""Each step of admission: a request that passes, and beside it one that does not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from narrows.core.admission import MAX_HEADER_BYTES, Admitted, Door, admit, day_of
from narrows.core.canonical import commit
from narrows.core.catalog import Catalog
from narrows.core.directory import Approver, Directory, DirectoryKey, DirectoryMember
from narrows.core.request import (
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
from narrows.core.terms import Digest, MemberName, Purpose
from narrows.errors import (
    CatalogChanged,
    CheckFailed,
    MalformedRequest,
    NarrowsError,
    PlannerDiffers,
    RequestExpired,
    UnknownCaller,
    UnsupportedQuery,
)
from narrows.store.keys import SigningKey, VerifyingKey, new_key

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
LIFE = timedelta(seconds=60)
OURS, OTHERS = (new_key("vpd", seed=bytes([n]) * 32) for n in (1, 2))
KEY, OTHER_KEY = (DirectoryKey(key.verifier.public_key) for key in (OURS, OTHERS))
VPD = MemberName("vpd")
CATALOG = Catalog("canada", 1, "America/Toronto", ("licensing",), {}, {})
DOOR = Door(CATALOG, frozenset({"gateway"}), "1", NOW - timedelta(hours=1))
DIRECTORY = Directory(
    federation="canada",
    epoch=1,
    issued_at=NOW - LIFE,
    expires_at=NOW + LIFE,
    catalog=CATALOG.digest,
    auditors=frozenset(),
    members={VPD: DirectoryMember(VPD, "municipal", "CAN", (OTHER_KEY, KEY))},
    gateways={},
)
OPENINGS = tuple(
    Opening(name, bytes([n]) * 32, b"{}")
    for n, name in enumerate(("sql", "parameters", "fragments/0", "officer"))
)
BY_FIELD = {found.field: commit(found.field, found.salt, found.value) for found in OPENINGS}
HEADER = Header(
    nonce=bytes(16),
    issued_at=NOW,
    expires_at=NOW + LIFE,
    agency=VPD,
    unit="traffic",
    purpose=Purpose("licensing"),
    form="lookup",
    authority=None,
    ticket=None,
    emergency=False,
    audience=Audience("canada", "gateway", CATALOG.digest, "1"),
    merge_at="gateway",
    partial=False,
    deadline_ms=10_000,
    commitments=Commitments(
        BY_FIELD["sql"],
        BY_FIELD["parameters"],
        (BY_FIELD["fragments/0"],),
        {name: BY_FIELD.get(name) for name in OPTIONAL_FIELDS},
    ),
)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    return VerifyingKey("any", key).verify(message, signature)


def sign(header: Header = HEADER, key: SigningKey = OURS) -> SignedRequest:
    encoded = encode_header(header)
    stamp = Signature("agency", KEY.key_id, "ed25519", key.sign(signing_bytes(encoded)))
    return SignedRequest(encoded, (stamp,), OPENINGS)


def let_in(request: SignedRequest, *, door: Door = DOOR, now: datetime = NOW) -> Admitted:
    return admit(request, door, DIRECTORY, verify, now)


def test_a_good_request_is_let_in_with_what_policy_decides_on() -> None:
    request = sign()
    found = let_in(request)
    assert found.id == request.id
    assert found.header == HEADER
    assert found.day == date(2026, 5, 31)  # it is still the day before in Toronto
    assert found.circumstances.day == found.day
    assert found.circumstances.given == {"officer"}
    assert found.circumstances.form == "lookup"
    requester = found.circumstances.requester
    assert (requester.member, requester.member_class, requester.country) == (
        "vpd",
        "municipal",
        "CAN",
    )


@pytest.mark.parametrize(("authority", "given"), [("Act s.1", True), ("", False), (None, False)])
def test_an_authority_counts_as_given_where_it_says_something(
    authority: str | None, given: bool
) -> None:
    found = let_in(sign(replace(HEADER, authority=authority)))
    assert ("authority" in found.circumstances.given) is given


def test_a_day_is_that_of_the_zone() -> None:
    assert day_of(NOW, "UTC") == date(2026, 6, 1)
    assert day_of(NOW, "America/Toronto") == date(2026, 5, 31)


def test_a_header_that_is_malformed_or_too_long_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        let_in(replace(sign(), header=b"{}"))
    with pytest.raises(MalformedRequest, match="over 64000 bytes"):
        let_in(sign(replace(HEADER, unit="u" * MAX_HEADER_BYTES)))


def test_a_member_that_is_not_in_the_directory_is_refused() -> None:
    with pytest.raises(UnknownCaller, match="not a member"):
        let_in(sign(replace(HEADER, agency=MemberName("nobody"))))


@pytest.mark.parametrize(
    "change",
    [
        {"role": "witness"},
        {"algorithm": "none"},
        {"key_id": OTHER_KEY.key_id},
        {"key_id": "0" * 16},
        {"signature": bytes(64)},
        {"signature": b""},
    ],
)
def test_a_signature_that_is_not_the_members_own_is_refused(change: dict[str, object]) -> None:
    request = sign()
    stamp = replace(request.signatures[0], **change)  # type: ignore[arg-type]
    with pytest.raises(UnknownCaller, match="no signature"):
        let_in(replace(request, signatures=(stamp,)))
    assert let_in(replace(request, signatures=(stamp, *request.signatures))).header == HEADER


def test_no_signature_another_key_or_another_text_is_refused() -> None:
    request = sign()
    other_text = encode_header(replace(HEADER, partial=True))
    for forged in (
        replace(request, signatures=()),
        sign(key=OTHERS),
        replace(request, header=other_text),
    ):
        with pytest.raises(UnknownCaller):
            let_in(forged)


AUDIENCE = HEADER.audience


@pytest.mark.parametrize(
    ("audience", "error"),
    [
        (replace(AUDIENCE, federation="other"), CheckFailed),
        (replace(AUDIENCE, gateway="other"), CheckFailed),
        (replace(AUDIENCE, catalog=Digest(bytes(32))), CatalogChanged),
        (replace(AUDIENCE, planner="2"), PlannerDiffers),
    ],
)
def test_a_request_for_somebody_else_is_refused(
    audience: Audience, error: type[NarrowsError]
) -> None:
    with pytest.raises(error):
        let_in(sign(replace(HEADER, audience=audience)))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (replace(HEADER, purpose=Purpose("gossip")), "purpose"),
        (replace(HEADER, form="gossip"), "form"),
        (replace(HEADER, merge_at="client"), "merge"),
        (replace(HEADER, ticket="t-1"), "ticket"),
        (replace(HEADER, ticket="AB" * 16), "ticket"),
        (replace(HEADER, deadline_ms=0), "deadline"),
        (replace(HEADER, deadline_ms=-1), "deadline"),
        (replace(HEADER, deadline_ms=60_001), "deadline"),
    ],
)
def test_a_manner_that_is_not_spoken_here_is_refused(header: Header, said: str) -> None:
    with pytest.raises((MalformedRequest, UnsupportedQuery), match=said):
        let_in(sign(header))


@pytest.mark.parametrize("deadline_ms", [1, 60_000])
def test_a_deadline_within_bounds_is_taken(deadline_ms: int) -> None:
    assert let_in(sign(replace(HEADER, deadline_ms=deadline_ms))).header.deadline_ms == deadline_ms


@pytest.mark.parametrize("form", ["lookup", "list", "count", "pointer"])
def test_every_form_of_the_policy_language_is_let_in(form: str) -> None:
    assert let_in(sign(replace(HEADER, form=form))).circumstances.form == form


def test_tickets_and_emergency_are_let_in_and_decided_on() -> None:
    plain = let_in(sign()).circumstances
    assert (plain.has_ticket, plain.emergency) == (False, False)
    found = let_in(sign(replace(HEADER, ticket="ab" * 16, emergency=True))).circumstances
    assert (found.has_ticket, found.emergency) == (True, True)


ROY, CHAN = (new_key("vpd", seed=bytes([n]) * 32) for n in (3, 4))
PERSONS = tuple(
    Approver(name, DirectoryKey(key.verifier.public_key))
    for name, key in (("Sgt. A. Roy", ROY), ("Insp. L. Chan", CHAN))
)
APPROVING = replace(DIRECTORY, members={VPD: replace(DIRECTORY.members[VPD], approvers=PERSONS)})


def approved(
    named: str = "Sgt. A. Roy", key: SigningKey = ROY, officer: str = "4471", **stamp: object
) -> SignedRequest:
    """A request that names an approver and carries one's signature, or a changed one."""
    values = {"officer": officer, "approver": named}
    openings = tuple(Opening(f, bytes([9]) * 32, v.encode()) for f, v in values.items() if v)
    given = {one.field: commit(one.field, one.salt, one.value) for one in openings}
    commitments = replace(
        HEADER.commitments, optional={name: given.get(name) for name in OPTIONAL_FIELDS}
    )
    request = sign(replace(HEADER, commitments=commitments))
    message = signing_bytes(request.header)
    own = DirectoryKey(key.verifier.public_key).key_id
    one = replace(Signature("approver", own, "ed25519", key.sign(message)), **stamp)  # type: ignore[arg-type]
    kept = tuple(one for one in OPENINGS if one.field not in values)
    return SignedRequest(request.header, (*request.signatures, one), (*kept, *openings))


def let_in_approved(request: SignedRequest, directory: Directory = APPROVING) -> Admitted:
    return admit(request, DOOR, directory, verify, NOW)


def test_an_approvers_own_signature_is_known_to_the_policy() -> None:
    assert let_in(sign()).circumstances.signed_by == {"agency"}
    found = let_in_approved(approved())
    assert found.circumstances.signed_by == {"agency", "approver"}
    assert found.approvers == PERSONS[:1]
    assert not found.circumstances.self_approved


@pytest.mark.parametrize(
    "request_",
    [
        approved(key=OURS),  # the agency's key is nobody's
        approved(signature=bytes(64)),
        approved(algorithm="none"),
        approved(key_id="0" * 16),
        approved(key_id=PERSONS[1].key.key_id),  # another person's key than signed
    ],
)
def test_a_forged_approval_spoils_the_request(request_: SignedRequest) -> None:
    with pytest.raises(UnknownCaller, match="a signature of an approver"):
        let_in_approved(request_)


def test_an_approver_of_nobody_in_the_directory_spoils_the_request() -> None:
    with pytest.raises(UnknownCaller, match="a signature of an approver"):
        let_in_approved(approved(), DIRECTORY)


@pytest.mark.parametrize("named", ["Insp. L. Chan", "sgt. a. roy", ""])
def test_the_approver_who_signs_is_the_one_who_is_named(named: str) -> None:
    with pytest.raises(UnknownCaller, match="not the one whom the request names"):
        let_in_approved(approved(named))


@pytest.mark.parametrize(
    ("officer", "same"),
    [("Sgt. A. Roy", True), ("  SGT. A. ROY ", True), ("Sgt. A. Ray", False), ("", False)],
)
def test_an_officer_who_approves_the_own_question_is_seen(officer: str, same: bool) -> None:
    assert let_in_approved(approved(officer=officer)).circumstances.self_approved is same


def test_without_officer_and_approver_nobody_approved_the_own_question() -> None:
    blank = approved(" ", officer=" ")
    request = replace(blank, signatures=blank.signatures[:1])
    assert not let_in(request).circumstances.self_approved


TICK = timedelta(microseconds=1)
SKEW = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW, ""),
        (NOW - SKEW, ""),
        (NOW - SKEW - TICK, "future"),
        (NOW + LIFE + SKEW, ""),
        (NOW + LIFE + SKEW + TICK, "expired"),
    ],
)
def test_a_request_is_taken_within_its_life_and_the_skew(now: datetime, said: str) -> None:
    if not said:
        assert let_in(sign(), now=now).header == HEADER
        return
    with pytest.raises(RequestExpired, match=said):
        let_in(sign(), now=now)


@pytest.mark.parametrize("life", [LIFE + TICK, timedelta(0), -LIFE])
def test_a_life_that_is_too_long_or_none_is_refused(life: timedelta) -> None:
    with pytest.raises(RequestExpired, match="lives longer"):
        let_in(sign(replace(HEADER, expires_at=NOW + life)))


def test_what_was_issued_before_this_process_started_is_refused() -> None:
    assert let_in(sign(), door=replace(DOOR, open_since=NOW)).header == HEADER
    with pytest.raises(RequestExpired, match="before this process started"):
        let_in(sign(), door=replace(DOOR, open_since=NOW + TICK))


def test_openings_are_checked_at_the_door() -> None:
    forged = replace(sign(), openings=(*OPENINGS[:3], replace(OPENINGS[3], value=b"[]")))
    with pytest.raises(CheckFailed, match="`officer` differs"):
        let_in(forged)
    with pytest.raises(CheckFailed, match="does not open `officer`"):
        let_in(replace(sign(), openings=OPENINGS[:3]))
    assert let_in(replace(sign(), openings=OPENINGS[2:])).header == HEADER


def test_who_merges_has_a_key_to_seal_to() -> None:
    here = sign(replace(HEADER, merge_at="requester"))
    with pytest.raises(UnsupportedQuery, match="no merge key of `vpd`"):
        let_in(here)
    member = replace(DIRECTORY.members[VPD], merge_key=KEY)
    directory = replace(DIRECTORY, members={VPD: member})
    assert admit(here, DOOR, directory, verify, NOW).merge_key == KEY
    assert admit(sign(HEADER), DOOR, directory, verify, NOW).merge_key is None
