"""Ed25519 keys with a name: on disk, for signing notes and requests, and as verifier key texts.

A private key rests as PEM (PKCS #8, unencrypted) in a file that only its owner can read; a file
that others could read is refused, since its signatures prove nothing.

>>> key = new_key("nsor.canada/ledger", seed=bytes(range(32)))
>>> key.verifier.text
'nsor.canada/ledger+e1db87c2+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4'
>>> key.verifier.verify(b"hello", key.sign(b"hello"))
True
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from narrows.core.ledger.note import PublicKey, format_key, key_id_of, parse_key
from narrows.errors import BadFederation, CheckFailed

PRIVATE_MODE = 0o600
SEED_BYTES = 32
PrivateKey: TypeAlias = Ed25519PrivateKey | X25519PrivateKey
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key with its name; a `core.ledger.note.Verifier`."""

    name: str
    public_key: bytes
    key_id: bytes = field(init=False)
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
        except ValueError as cause:
            raise CheckFailed(f"the public key of `{self.name}` is not 32 bytes long") from cause
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "key_id", key_id_of(self.name, self.public_key))

    @property
    def text(self) -> str:
        """The verifier key text (C2SP signed-note); `read_verifying_key` undoes it."""
        return format_key(PublicKey(self.name, self.public_key))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made that signature over that message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the raw Ed25519 key made that signature; False for a key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name; a `core.ledger.note.Signer`. It never shows in a `repr`."""

    verifier: VerifyingKey
    _key: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes (RFC 8032)."""
        return self._key.sign(message)


def new_key(name: str, *, seed: bytes) -> SigningKey:
    """The key that these 32 bytes make. Needs: fresh randomness, kept nowhere else."""
    if len(seed) != SEED_BYTES:
        raise CheckFailed(f"the seed of a key is not {SEED_BYTES} bytes long")
    return _named(name, Ed25519PrivateKey.from_private_bytes(seed))


def read_verifying_key(text: str) -> VerifyingKey:
    """The public key that a verifier key text spells. Raises: ProofInvalid."""
    found = parse_key(text)
    return VerifyingKey(found.name, found.public_key)


def save_key(path: Path, key: SigningKey) -> None:
    """Nothing, when the key durably rests in a new file of mode 0600.

    Raises: BadFederation where the file is there already or cannot be written: a key is never
    overwritten, for what it signed could not be told from forgeries any more.
    """
    write_private(path, key._key)  # noqa: SLF001


def write_private(path: Path, key: PrivateKey) -> None:
    """Nothing, when the key durably rests in a new file of mode 0600. Raises: as `save_key`."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, PRIVATE_MODE), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as cause:
        raise BadFederation("the key cannot be written to a new file", file=str(path)) from cause


def load_key(path: Path, name: str) -> SigningKey:
    """The private key in this file, under this name; `save_key` wrote it.

    Raises: BadFederation where there is none, others could read it, or it is no Ed25519 key.
    """
    key = read_private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadFederation("the key is not for Ed25519", file=str(path))
    return _named(name, key)


def read_private(path: Path) -> object:
    """The private key in this file, of whatever kind.

    Raises: BadFederation where there is none, or others could read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read()
    except OSError as cause:
        raise BadFederation("the key cannot be read", file=str(path)) from cause
    if mode & _OTHERS:
        raise BadFederation(
            "others than its owner can read or write the key",
            hint="run `chmod 600` on it",
            file=str(path),
        )
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise BadFederation("the file holds no private key in PEM", file=str(path)) from cause


def _named(name: str, key: Ed25519PrivateKey) -> SigningKey:
    return SigningKey(VerifyingKey(name, key.public_key().public_bytes_raw()), key)
