"""What a member proves itself with, and what it trusts: keys, certificates, the root key."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from narrows.core.directory import DirectoryKey, Peer, parse_peer, person_file
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.store.keys import SigningKey, load_key
from narrows.store.sealing import MergeKey, load_merge_key

ROOT_FILE = "root.pub"
MERGE_KEY = "merge.key"


def approver_key(folder: Path, person: str) -> Path:
    """The file of a named person's own key, in the folder of a member."""
    return folder / "approvers" / f"{person_file(person)}.key"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key that signs for a member, by its name in the directory."""

    key: SigningKey

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits."""
        return DirectoryKey(self.key.verifier.public_key).key_id

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.key.sign(message)


@dataclass(frozen=True, slots=True)
class Credential:
    """A member's own folder, read.

    It holds `tls.key`, `tls.crt`, `ca.crt`, `request.key`, `merge.key`, and `root.pub`: the federation's root
    key in hexadecimal, in which all trust in the directory begins; and in `approvers/` the keys of
    the member's named persons, which in life each of them keeps.
    """

    folder: Path
    peer: Peer
    key: RequestKey
    root: DirectoryKey
    expires_at: datetime

    def require_valid(self, now: datetime) -> None:
        """Nothing, while the certificate is valid. Raises: BadFederation.

        Said here, since a server that turns it away says nothing.
        """
        if now > self.expires_at:
            raise BadFederation(
                "the certificate has expired",
                hint="renew it: `narrows up` does",
                file=str(self.folder / "tls.crt"),
            )

    @property
    def member(self) -> MemberName:
        """Who asks."""
        return self.peer.name

    def person(self, name: str) -> RequestKey:
        """The key of a named person of this member. Raises: BadFederation where there is none."""
        path = approver_key(self.folder, name)
        if not person_file(name) or not path.exists():
            raise BadFederation(
                f"`{self.member}` has no approver of that name here",
                hint="name one as `approvers` of its member.yaml does, and run `narrows up`",
                file=str(path.parent),
            )
        return RequestKey(load_key(path, name))

    def merge_key(self) -> MergeKey:
        """The key that rows are sealed to. Raises: BadFederation where there is none."""
        return load_merge_key(self.folder / MERGE_KEY)

    @classmethod
    def load(cls, folder: Path | str) -> "Credential":
        """The credential in a folder. Raises: BadFederation, naming the file that is wrong."""
        folder = Path(folder)
        certificate, root = folder / "tls.crt", folder / ROOT_FILE
        try:
            pem = certificate.read_bytes()
            raw = bytes.fromhex(root.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as cause:
            raise BadFederation(
                "the credential lacks `tls.crt` or `root.pub`",
                hint="name a member of the federation that was brought up",
                file=str(folder),
            ) from cause
        peer, expires_at = _read(pem, certificate)
        key = load_key(folder / "request.key", peer.name)
        return cls(folder, peer, RequestKey(key), DirectoryKey(raw), expires_at)


def _read(pem: bytes, path: Path) -> tuple[Peer, datetime]:
    """Whom the certificate names, and until when."""
    try:
        found = x509.load_pem_x509_certificate(pem)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound) as cause:
        raise BadFederation(
            "the certificate does not have exactly one URI name", file=str(path)
        ) from cause
    return parse_peer(uri), found.not_valid_after_utc
