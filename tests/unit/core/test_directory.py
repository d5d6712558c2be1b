"""A directory comes back as it was signed; tampered, stale or foreign ones are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.directory import (
    Approver,
    Directory,
    DirectoryKey,
    DirectoryMember,
    Endpoint,
    Peer,
    decode_directory,
    encode_directory,
    parse_peer,
)
from narrows.core.terms import Digest, MemberName
from narrows.errors import BadFederation, UnknownCaller
from narrows.store.keys import VerifyingKey, new_key

ROOT = new_key("canada/root", seed=bytes([1]) * 32)
OTHER = new_key("canada/other", seed=bytes([2]) * 32)
ROOT_KEY = DirectoryKey(ROOT.verifier.public_key)
KEY = DirectoryKey(OTHER.verifier.public_key)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VPD, OPC, GATEWAY = map(MemberName, ("vpd", "opc", "gateway"))
PERSONS = (Approver("Sgt. A. Roy", KEY), Approver("Insp. L. Chan", ROOT_KEY))
DIRECTORY = Directory(
    federation="canada",
    epoch=3,
    issued_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=1),
    catalog=Digest(bytes(32)),
    auditors=frozenset({"auditor"}),
    members={
        VPD: DirectoryMember(
            VPD, "municipal", "CAN", (KEY,), KEY, Endpoint("localhost:7001", KEY), PERSONS
        ),
        OPC: DirectoryMember(OPC, "auditor", "CAN", ()),
    },
    gateways={GATEWAY: Endpoint("localhost:7000", KEY)},
)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    return VerifyingKey("any", key).verify(message, signature)


def decode(data: bytes, *, now: datetime = NOW, seen_epoch: int = 0) -> Directory:
    return decode_directory(data, ROOT_KEY, verify, now=now, seen_epoch=seen_epoch)


ENCODED = encode_directory(DIRECTORY, ROOT_KEY, ROOT.sign)


def signed(document: Json) -> bytes:
    """A file with any content, properly signed by the root."""
    signature = ROOT.sign(b"narrows/directory/v1\n" + canonical_bytes(document)).hex()
    stamp = {"key_id": ROOT_KEY.key_id, "algorithm": "ed25519", "signature": signature}
    return canonical_bytes({"signed": document, "signatures": [stamp]})


def content() -> dict[str, Json]:
    found: dict[str, Json] = json.loads(ENCODED)["signed"]
    return found


def test_a_directory_comes_back_as_it_was() -> None:
    assert decode(ENCODED) == DIRECTORY
    assert decode(signed(content())) == DIRECTORY


def test_a_named_person_is_known_by_the_key() -> None:
    member = decode(ENCODED).members[VPD]
    assert [one.name for one in member.approvers] == ["Sgt. A. Roy", "Insp. L. Chan"]
    assert member.approver(KEY.key_id) == PERSONS[0]
    assert member.approver("0" * 16) is None
    assert DIRECTORY.members[OPC].approvers == ()


@pytest.mark.parametrize(
    "approvers",
    [
        [{"name": "A", "key": "01"}, {"name": "A", "key": "02"}],
        [{"name": "A", "key": "01"}, {"name": "B", "key": "01"}],
        [{"name": "", "key": "01"}],
        [{"name": "A"}],
        {"A": "01"},
    ],
)
def test_one_person_cannot_pass_for_two(approvers: Json) -> None:
    document = content()
    members = document["members"]
    assert isinstance(members, dict)
    assert isinstance(members["vpd"], dict)
    members["vpd"]["approvers"] = approvers
    with pytest.raises(BadFederation):
        decode(signed(document))


def test_members_and_auditors_are_known_by_name() -> None:
    assert DIRECTORY.member("vpd") is DIRECTORY.members[VPD]
    assert DIRECTORY.member("nobody") is None
    assert DIRECTORY.is_auditor("opc")
    assert not DIRECTORY.is_auditor("vpd")
    assert not DIRECTORY.is_auditor("nobody")


def test_a_key_is_named_by_its_hash() -> None:
    assert ROOT_KEY.key_id == "34750f98bd59fcfc"
    assert KEY.key_id != ROOT_KEY.key_id


@pytest.mark.parametrize("place", range(0, len(ENCODED), 41))
def test_a_changed_byte_is_refused(place: int) -> None:
    changed = bytearray(ENCODED)
    changed[place] ^= 1
    with pytest.raises(BadFederation):
        decode(bytes(changed))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\n",
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b'{"signed":{}}',
        lambda data: data.replace(b'"signatures"', b'"signature_"'),
    ],
)
def test_another_form_of_file_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadFederation):
        decode(spoil(ENCODED))


def test_only_the_root_signs() -> None:
    forged = encode_directory(DIRECTORY, ROOT_KEY, OTHER.sign)
    foreign = encode_directory(DIRECTORY, KEY, OTHER.sign)
    for data in (forged, foreign):
        with pytest.raises(BadFederation, match="not signed by the federation's root key"):
            decode(data)
    with pytest.raises(BadFederation, match="not signed"):
        decode_directory(ENCODED, KEY, verify, now=NOW)


@pytest.mark.parametrize("name", ["algorithm", "key_id"])
def test_a_signature_of_another_kind_counts_for_nothing(name: str) -> None:
    document = json.loads(ENCODED)
    document["signatures"][0][name] = "none"
    with pytest.raises(BadFederation, match="not signed"):
        decode(canonical_bytes(document))


def test_one_good_signature_among_others_is_enough() -> None:
    document = json.loads(ENCODED)
    document["signatures"].insert(0, {**document["signatures"][0], "signature": "00" * 64})
    assert decode(canonical_bytes(document)) == DIRECTORY


@pytest.mark.parametrize(
    ("now", "in_force"),
    [
        (DIRECTORY.issued_at, True),
        (DIRECTORY.issued_at - timedelta(microseconds=1), False),
        (DIRECTORY.expires_at - timedelta(microseconds=1), True),
        (DIRECTORY.expires_at, False),
    ],
)
def test_a_directory_holds_from_its_issue_to_its_end(now: datetime, in_force: bool) -> None:
    if in_force:
        assert decode(ENCODED, now=now) == DIRECTORY
        return
    with pytest.raises(BadFederation, match="not in force"):
        decode(ENCODED, now=now)


def test_an_epoch_never_goes_back() -> None:
    assert decode(ENCODED, seen_epoch=3).epoch == 3
    with pytest.raises(BadFederation, match="epoch 4 was seen before"):
        decode(ENCODED, seen_epoch=4)


@pytest.mark.parametrize(
    "change",
    [
        {"v": "narrows/directory/v2"},
        {"epoch": "3"},
        {"epoch": True},
        {"federation": ""},
        {"federation": None},
        {"issued_at": "2026-02-30T00:00:00.000000Z"},
        {"expires_at": 1},
        {"catalog": "zz"},
        {"catalog": None},
        {"catalog": ""},
        {"auditors": "auditor"},
        {"auditors": [1]},
        {"members": []},
        {"members": {"VPD": None}},
        {"members": {"vpd": None}},
        {"members": {"vpd": {"class": "municipal"}}},
        {"gateways": {"Gateway": {"endpoint": "a", "ledger_key": "00"}}},
        {"gateways": {"gateway": {"endpoint": "a", "ledger_key": "0"}}},
        {"gateways": {"gateway": {"endpoint": "a"}}},
        {"extra": None},
    ],
)
def test_what_the_root_signed_must_still_be_of_the_published_form(change: dict[str, Json]) -> None:
    with pytest.raises(BadFederation):
        decode(signed({**content(), **change}))


def test_times_in_another_zone_are_spelled_in_utc() -> None:
    zone = datetime.fromisoformat("2026-06-01T08:00:00-04:00").tzinfo
    moved = replace(DIRECTORY, issued_at=DIRECTORY.issued_at.astimezone(zone))
    assert encode_directory(moved, ROOT_KEY, ROOT.sign) == ENCODED


def test_a_peer_comes_back_from_its_uri() -> None:
    peer = Peer("canada", "gateway", MemberName("gateway"))
    assert parse_peer(peer.uri) == peer
    assert peer.host == "gateway.gateway.canada.narrows.internal"


@pytest.mark.parametrize(
    "uri", ["", "narrows://canada/root/vpd", "narrows://canada/member/vpd/", "https://example.org/"]
)
def test_a_uri_of_another_form_names_nobody(uri: str) -> None:
    with pytest.raises(UnknownCaller):
        parse_peer(uri)
