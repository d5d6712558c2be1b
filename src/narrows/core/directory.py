r"""The directory: who the members and gateways are, with what keys, at which endpoints.

One file, canonical JSON (RFC 8785), signed by the federation's root key:

    {"signed": {"v": "narrows/directory/v1", "federation": "canada", "epoch": 1,
                "issued_at": "...Z", "expires_at": "...Z", "catalog": "<64 hex digits>",
                "auditors": ["auditor"],
                "members": {"vpd": {"class": "municipal", "country": "CAN",
                            "request_keys": ["<64 hex digits>"], "policy_key": "<hex>" | null,
                            "merge_key": "<hex>" | null,
                            "approvers": [{"name": "Sgt. A. Roy", "key": "<hex>"}],
                            "node": {"endpoint": "localhost:7001", "ledger_key": "<hex>"} | null}},
                "gateways": {"gateway": {"endpoint": "localhost:7000", "ledger_key": "<hex>"}}},
     "signatures": [{"key_id": "<16 hex digits>", "algorithm": "ed25519", "signature": "<hex>"}]}

What is signed is `b"narrows/directory/v1\n"` followed by the canonical bytes of `signed`. A key id
is the first 8 bytes, in hexadecimal, of SHA-256 over the raw public key. A merge key is an X25519
key, to which rows are sealed that the member merges itself. An approver is a named
person of a member, whose own key signs: requests that the person approved, and at a holder what
was decided on a held request.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.terms import MEMBER_NAME, Digest, MemberName, digest_of
from narrows.errors import BadFederation, MalformedRequest, UnknownCaller

_PEER = re.compile(r"narrows://([a-z][a-z0-9-]{0,62})/(member|gateway)/([a-z][a-z0-9-]{0,62})")
DIRECTORY_FORMAT = "narrows/directory/v1"
_DOMAIN = b"narrows/directory/v1\n"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
VerifySignature = Callable[[bytes, bytes, bytes], bool]
"""Public key, message, signature -> whether it verifies."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a certificate names; `role` is `member` or `gateway`.

    >>> Peer("canada", "member", MemberName("vpd")).uri
    'narrows://canada/member/vpd'
    """

    federation: str
    role: str
    name: MemberName

    @property
    def uri(self) -> str:
        """The certificate's URI name; `parse_peer` undoes it."""
        return f"narrows://{self.federation}/{self.role}/{self.name}"

    @property
    def host(self) -> str:
        """The certificate's DNS name, which callers demand.

        Demanding only the address would let every member with a certificate for `localhost` pass
        for the gateway, and be handed questions.
        """
        return f"{self.name}.{self.role}.{self.federation}.narrows.internal"


def ledger_name(federation: str, name: str) -> str:
    """The origin of a member's or gateway's ledger, which is the name of its key.

    >>> ledger_name("canada", "nsor")
    'nsor.canada/ledger'
    """
    return f"{name}.{federation}/ledger"


def parse_peer(uri: str) -> Peer:
    """The peer that a certificate's URI names. Raises: UnknownCaller."""
    found = _PEER.fullmatch(uri)
    if found is None:
        raise UnknownCaller("the certificate names no member or gateway of a federation")
    return Peer(found[1], found[2], MemberName(found[3]))


@dataclass(frozen=True, slots=True)
class DirectoryKey:
    """A public key of 32 bytes: Ed25519, but for merge keys, which are X25519."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits that name the key."""
        return digest_of(self.raw)[:8].hex()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a process serves, and the key of its ledger."""

    address: str
    ledger_key: DirectoryKey


@dataclass(frozen=True, slots=True)
class Approver:
    """A named person of a member, and the key that only this person uses."""

    name: str
    key: DirectoryKey


def person_file(name: str) -> str:
    """The name under which a person's key rests: letters and digits in lower case.

    >>> person_file("Sgt. A. Roy")
    'sgt-a-roy'
    """
    kept = "".join(one if one.isalnum() else " " for one in name.casefold())
    return "-".join(kept.split())


@dataclass(frozen=True, slots=True)
class DirectoryMember:
    """One member. `node` is None for those that only ask."""

    name: MemberName
    member_class: str
    country: str
    request_keys: tuple[DirectoryKey, ...]
    policy_key: DirectoryKey | None = None
    node: Endpoint | None = None
    approvers: tuple[Approver, ...] = ()
    merge_key: DirectoryKey | None = None

    def approver(self, key_id: str) -> Approver | None:
        """The person whose key that is, or None."""
        return next((one for one in self.approvers if one.key.key_id == key_id), None)


@dataclass(frozen=True, slots=True)
class Directory:
    """One epoch of the directory. `auditors` are the classes that may read ledgers."""

    federation: str
    epoch: int
    issued_at: datetime
    expires_at: datetime
    catalog: Digest
    auditors: frozenset[str]
    members: Mapping[MemberName, DirectoryMember]
    gateways: Mapping[MemberName, Endpoint]

    def member(self, name: str) -> DirectoryMember | None:
        """The member of that name, or None."""
        return self.members.get(MemberName(name))

    def is_auditor(self, name: str) -> bool:
        """Whether that member may read ledgers."""
        member = self.member(name)
        return member is not None and member.member_class in self.auditors


def encode_directory(
    directory: Directory, root: DirectoryKey, sign: Callable[[bytes], bytes]
) -> bytes:
    """The signed file; `decode_directory` undoes it."""
    signed = _spell(directory)
    signature = sign(_DOMAIN + canonical_bytes(signed))
    return canonical_bytes(
        {
            "signed": signed,
            "signatures": [
                {"key_id": root.key_id, "algorithm": "ed25519", "signature": signature.hex()}
            ],
        }
    )


def decode_directory(
    data: bytes, root: DirectoryKey, verify: VerifySignature, *, now: datetime, seen_epoch: int = 0
) -> Directory:
    """The directory in this file, verified.

    `seen_epoch` is the highest epoch that this process ever took: an older file, with a key that
    was revoked since, is refused.
    Raises: BadFederation, saying which check failed.
    """
    # 1. The file is canonical JSON of the published format.
    try:
        document = parse_canonical(data)
    except MalformedRequest as cause:
        raise BadFederation("the directory is not canonical JSON") from cause
    fields = _object(document, {"signed", "signatures"})
    # 2. The root key signed it.
    message = _DOMAIN + canonical_bytes(fields["signed"])
    if not any(
        verify(root.raw, message, signature)
        for signature in _signatures(fields["signatures"], root.key_id)
    ):
        raise BadFederation(
            "the directory is not signed by the federation's root key",
            hint="fetch it again, or check the root key",
        )
    found = _read(fields["signed"])
    # 3. It is in force, and no older than what was taken before.
    if not found.issued_at <= now < found.expires_at:
        raise BadFederation(
            "the directory is not in force at this time",
            hint="set the clock, or fetch the current directory",
        )
    if found.epoch < seen_epoch:
        raise BadFederation(
            f"the directory is of epoch {found.epoch}, and epoch {seen_epoch} was seen before",
            hint="fetch the current directory",
        )
    return found


def _spell(directory: Directory) -> Json:
    return {
        "v": DIRECTORY_FORMAT,
        "federation": directory.federation,
        "epoch": directory.epoch,
        "issued_at": directory.issued_at.astimezone(UTC).strftime(_TIME),
        "expires_at": directory.expires_at.astimezone(UTC).strftime(_TIME),
        "catalog": directory.catalog.hex(),
        "auditors": sorted(directory.auditors),
        "members": {
            name: {
                "class": member.member_class,
                "country": member.country,
                "request_keys": [key.raw.hex() for key in member.request_keys],
                "policy_key": _spell_key(member.policy_key),
                "merge_key": _spell_key(member.merge_key),
                "node": None if member.node is None else _spell_endpoint(member.node),
                "approvers": [
                    {"name": one.name, "key": one.key.raw.hex()} for one in member.approvers
                ],
            }
            for name, member in directory.members.items()
        },
        "gateways": {name: _spell_endpoint(found) for name, found in directory.gateways.items()},
    }


def _spell_key(key: DirectoryKey | None) -> Json:
    return None if key is None else key.raw.hex()


def _spell_endpoint(endpoint: Endpoint) -> Json:
    return {"endpoint": endpoint.address, "ledger_key": endpoint.ledger_key.raw.hex()}


def _read(value: Json) -> Directory:
    names = {"v", "federation", "epoch", "issued_at", "expires_at", "catalog", "auditors"}
    fields = _object(value, names | {"members", "gateways"})
    if fields["v"] != DIRECTORY_FORMAT:
        raise BadFederation(f"the directory is not of format `{DIRECTORY_FORMAT}`")
    epoch = fields["epoch"]
    if isinstance(epoch, bool) or not isinstance(epoch, int):
        raise BadFederation("the epoch of the directory is not a whole number")
    return Directory(
        federation=_text(fields["federation"]),
        epoch=epoch,
        issued_at=_time(fields["issued_at"]),
        expires_at=_time(fields["expires_at"]),
        catalog=Digest(_hex(fields["catalog"])),
        auditors=frozenset(_text(found) for found in _list(fields["auditors"])),
        members={
            _name(name): _member(_name(name), found)
            for name, found in _mapping(fields["members"]).items()
        },
        gateways={
            _name(name): _endpoint(found) for name, found in _mapping(fields["gateways"]).items()
        },
    )


def _member(name: MemberName, value: Json) -> DirectoryMember:
    names = {"class", "country", "request_keys", "policy_key", "merge_key", "node", "approvers"}
    fields = _object(value, names)
    node = fields["node"]
    return DirectoryMember(
        name=name,
        member_class=_text(fields["class"]),
        country=_text(fields["country"]),
        request_keys=tuple(DirectoryKey(_hex(key)) for key in _list(fields["request_keys"])),
        policy_key=_key(fields["policy_key"]),
        node=None if node is None else _endpoint(node),
        approvers=_approvers(fields["approvers"]),
        merge_key=_key(fields["merge_key"]),
    )


def _key(value: Json) -> DirectoryKey | None:
    return None if value is None else DirectoryKey(_hex(value))


def _approvers(value: Json) -> tuple[Approver, ...]:
    found = [_object(one, {"name", "key"}) for one in _list(value)]
    read = tuple(Approver(_text(one["name"]), DirectoryKey(_hex(one["key"]))) for one in found)
    # Else one person could pass for two, where two must agree.
    if any(len(set(told)) != len(read) for told in ([p.name for p in read], [p.key for p in read])):
        raise BadFederation("the directory names an approver of a member, or a key of one, twice")
    return read


def _endpoint(value: Json) -> Endpoint:
    fields = _object(value, {"endpoint", "ledger_key"})
    return Endpoint(_text(fields["endpoint"]), DirectoryKey(_hex(fields["ledger_key"])))


def _signatures(value: Json, key_id: str) -> list[bytes]:
    found = [_object(one, {"key_id", "algorithm", "signature"}) for one in _list(value)]
    return [
        _hex(one["signature"])
        for one in found
        if one["key_id"] == key_id and one["algorithm"] == "ed25519"
    ]


def _object(value: Json, names: set[str]) -> dict[str, Json]:
    if not isinstance(value, dict) or set(value) != names:
        raise BadFederation(
            f"an object of the directory does not have exactly the fields {', '.join(sorted(names))}"
        )
    return value


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadFederation("the directory has something else where names are mapped")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise BadFederation("the directory has something else where a list belongs")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise BadFederation("the directory has something else where text belongs")
    return value


def _hex(value: Json) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise BadFederation("the directory has something else where hexadecimal digits belong")
    return bytes.fromhex(value)


def _name(value: str) -> MemberName:
    if not MEMBER_NAME.fullmatch(value):
        raise BadFederation("the directory names a member in other than plain lower case")
    return MemberName(value)


def _time(value: Json) -> datetime:
    try:
        return datetime.strptime(_text(value), _TIME).replace(tzinfo=UTC)
    except ValueError as cause:
        raise BadFederation("a time of the directory is not on the calendar") from cause
