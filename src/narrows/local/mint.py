"""Keys, certificates, signed policies and the signed directory: whatever is missing is made.

What is there is kept, so that ledgers and receipts stay provable; certificates are renewed before
they expire, and a directory that would say something else is published under a higher epoch.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from narrows.client.credential import MERGE_KEY, ROOT_FILE, approver_key
from narrows.core.admission import day_of
from narrows.core.directory import (
    Approver,
    Directory,
    DirectoryKey,
    DirectoryMember,
    Endpoint,
    Peer,
    decode_directory,
    encode_directory,
    ledger_name,
)
from narrows.core.policy.language import parse_policy
from narrows.core.publishing import PublishedPolicy, encode_published, policy_bytes
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.folder.load import Federation, Member
from narrows.local.publish import SIGNATURE, newest_text
from narrows.local.state import GATEWAY, State
from narrows.store.certificates import (
    Authority,
    Identity,
    Validity,
    load_authority,
    new_authority,
    save_identity,
)
from narrows.store.keys import SigningKey, load_key, new_key, save_key, verify_signature
from narrows.store.sealing import load_merge_key, new_merge_key, save_merge_key
from narrows.store.secrets import make_secret
from narrows.store.seen import read_seen

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 90
DIRECTORY_DAYS = 90
RENEW_DAYS = 30
"""Certificates and the directory are renewed when they have fewer days left."""


def mint(state: State, federation: Federation, addresses: Mapping[str, str], now: datetime) -> str:
    """The root key in hexadecimal, when all that `federation` needs is in the state's folder.

    Raises: BadFederation where a file cannot be read or written.
    """
    _folder(state.root)
    root = _key(state.root / "root.key", f"{federation.name}/root")
    authority = _authority(state.root, federation, now)
    for member in federation.members.values():
        _member(state.member(member.name), member, federation, (root, authority), now)
    _gateway(state.gateway(), federation, authority, now)
    _directory(state, federation, addresses, root, now)
    return root.verifier.public_key.hex()


def _member(
    home: Path,
    member: Member,
    federation: Federation,
    trust: tuple[SigningKey, Authority],
    now: datetime,
) -> None:
    root, authority = trust
    _folder(home)
    peer = Peer(federation.name, "member", member.name)
    _certificate(home, peer, authority, now, serves=member.node is not None)
    _key(home / "request.key", member.name)
    if not (home / MERGE_KEY).exists():
        save_merge_key(home / MERGE_KEY, new_merge_key(seed=os.urandom(32)))
    _write(home / ROOT_FILE, root.verifier.public_key.hex() + "\n")
    for person in member.approvers:
        path = approver_key(home, person)
        _folder(path.parent)
        _key(path, person)
    if member.node is None:
        return
    _key(home / "ledger.key", ledger_name(federation.name, member.name))
    make_secret(home / "secrets", day_of(now, federation.zone).year)
    policy_key = _key(home / "policy.key", member.name)
    # What was published since is newer than the folder's: its signature must stay.
    text = newest_text(home, member.node, federation.catalog)
    _write(home / SIGNATURE, policy_key.sign(policy_bytes(text.encode())).hex() + "\n")
    for path in sorted((federation.folder / "members" / member.name / "policies").glob("*.yaml")):
        _sign_version(path, home / "policies", federation, policy_key)


def _sign_version(path: Path, kept: Path, federation: Federation, key: SigningKey) -> None:
    """Nothing, when a version beside the newest is signed and lies where its node finds it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise BadFederation("the policy cannot be read", file=str(path)) from cause
    policy = parse_policy(text, federation.catalog, str(path))
    signature = key.sign(policy_bytes(text.encode()))
    found = PublishedPolicy(policy.agency, policy.version, text.encode(), signature)
    target = kept / f"{policy.version}.json"
    # What a node has served under that number stays: it refuses another text itself.
    if not target.exists():
        _folder(kept)
        _write(target, encode_published(found).decode())


def _gateway(home: Path, federation: Federation, authority: Authority, now: datetime) -> None:
    _folder(home)
    _certificate(home, Peer(federation.name, "gateway", GATEWAY), authority, now, serves=True)
    _key(home / "ledger.key", ledger_name(federation.name, GATEWAY))


def _directory(
    state: State,
    federation: Federation,
    addresses: Mapping[str, str],
    root: SigningKey,
    now: datetime,
) -> None:
    """Nothing, when a directory that says this, and lasts, is in its file."""
    root_key = DirectoryKey(root.verifier.public_key)
    before: Directory | None = None
    if state.directory.exists():
        try:
            before = decode_directory(
                state.directory.read_bytes(), root_key, verify_signature, now=now
            )
        except BadFederation:
            # Expired, or damaged: the epoch that processes have seen is in their own files.
            before = None
    seen = _epoch_seen(state)
    epoch = max(seen, 0 if before is None else before.epoch)
    wanted = _wanted(state, federation, addresses, now, epoch)
    # One that is older than processes have seen, say of a backup, they would all refuse.
    if before is not None and before.epoch >= seen and _says_the_same(before, wanted, now):
        return
    fresh = _wanted(state, federation, addresses, now, epoch + 1)
    _write(state.directory, encode_directory(fresh, root_key, root.sign).decode())


def _wanted(
    state: State,
    federation: Federation,
    addresses: Mapping[str, str],
    now: datetime,
    epoch: int,
) -> Directory:
    def endpoint(home: Path, name: str) -> Endpoint:
        key = load_key(home / "ledger.key", ledger_name(federation.name, name))
        return Endpoint(addresses[name], DirectoryKey(key.verifier.public_key))

    def public(home: Path, name: str) -> DirectoryKey:
        return DirectoryKey(load_key(home / name, name).verifier.public_key)

    def approver(home: Path, person: str) -> Approver:
        key = load_key(approver_key(home, person), person)
        return Approver(person, DirectoryKey(key.verifier.public_key))

    return Directory(
        federation=federation.name,
        epoch=epoch,
        issued_at=now,
        expires_at=now + timedelta(days=DIRECTORY_DAYS),
        catalog=federation.catalog.digest,
        auditors=federation.auditors,
        members={
            name: DirectoryMember(
                name,
                member.member_class,
                member.country,
                (public(state.member(name), "request.key"),),
                None if member.node is None else public(state.member(name), "policy.key"),
                None if member.node is None else endpoint(state.member(name), name),
                tuple(approver(state.member(name), person) for person in member.approvers),
                DirectoryKey(load_merge_key(state.member(name) / MERGE_KEY).public_key),
            )
            for name, member in federation.members.items()
        },
        gateways={MemberName(GATEWAY): endpoint(state.gateway(), GATEWAY)},
    )


def _says_the_same(before: Directory, wanted: Directory, now: datetime) -> bool:
    lasts = before.expires_at - now > timedelta(days=RENEW_DAYS)
    return lasts and (before.members, before.gateways, before.auditors, before.catalog) == (
        wanted.members,
        wanted.gateways,
        wanted.auditors,
        wanted.catalog,
    )


def _epoch_seen(state: State) -> int:
    return max(map(read_seen, state.folder.glob("*/*/directory.epoch")), default=0)


def _authority(folder: Path, federation: Federation, now: datetime) -> Authority:
    key, certificate = folder / "authority.key", folder / "authority.crt"
    if key.exists():
        return load_authority(Identity(certificate.read_bytes(), key.read_bytes()))
    validity = Validity(now - timedelta(hours=1), now + timedelta(days=AUTHORITY_DAYS))
    made = new_authority(federation.name, validity)
    _write(certificate, made.identity.certificate.decode())
    _write(key, made.identity.key.decode(), mode=0o600)
    return made


def _certificate(
    home: Path, peer: Peer, authority: Authority, now: datetime, *, serves: bool
) -> None:
    path = home / "tls.crt"
    if path.exists():
        found = _read_certificate(path)
        lasts = found.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
        if lasts and _can_serve(found) == serves:
            return
    validity = Validity(now - timedelta(hours=1), now + timedelta(days=CERTIFICATE_DAYS))
    identity = authority.issue(peer, validity, serves=serves)
    save_identity(home, identity, authority.identity.certificate)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as cause:
        message = "the certificate cannot be read"
        raise BadFederation(message, hint="delete it to get another", file=str(path)) from cause


def _can_serve(certificate: x509.Certificate) -> bool:
    """Whether it is one of a server: a member may have got its node later."""
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.SERVER_AUTH in uses


def _key(path: Path, name: str) -> SigningKey:
    if path.exists():
        return load_key(path, name)
    made = new_key(name, seed=os.urandom(32))
    save_key(path, made)
    return made


def _folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as cause:
        raise BadFederation("the folder cannot be made", file=str(path)) from cause


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as cause:
        raise BadFederation("the file cannot be written", file=str(path)) from cause
