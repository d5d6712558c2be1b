"""Merge keys (X25519), and sealing to them: the HPKE of `core.sealed`.

A private key rests as PEM like those that sign (`keys`).

>>> key = new_merge_key(seed=bytes(range(32)))
>>> key.open(seal(key.public_key, b"rows", b"here"), b"here")
b'rows'
"""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from narrows.errors import BadFederation, CheckFailed, ProofInvalid
from narrows.store.keys import SEED_BYTES, read_private, write_private

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class MergeKey:
    """A private key that opens what was sealed to it; it never shows in a `repr`."""

    public_key: bytes
    _key: X25519PrivateKey = field(repr=False, compare=False)

    def open(self, message: bytes, info: bytes) -> bytes:
        """What was sealed. Raises: ProofInvalid for another key, another place, or a changed byte."""
        try:
            return _SUITE.decrypt(message, self._key, info)
        except InvalidTag:
            raise ProofInvalid(
                "a sealed part does not open: it is damaged, of another place, or for another key"
            ) from None


def seal(public_key: bytes, text: bytes, info: bytes) -> bytes:
    """The message that the holder of the key alone can read, bound to `info`.

    Raises: CheckFailed for a key that is none.
    """
    try:
        return _SUITE.encrypt(text, X25519PublicKey.from_public_bytes(public_key), info)
    except ValueError as cause:
        # Also a point of low order, with which anybody could read.
        raise CheckFailed("the merge key of the requester is no X25519 key") from cause


def new_merge_key(*, seed: bytes) -> MergeKey:
    """The key that these 32 bytes make. Needs: fresh randomness, kept nowhere else."""
    if len(seed) != SEED_BYTES:
        raise CheckFailed(f"the seed of a key is not {SEED_BYTES} bytes long")
    return _merge_key(X25519PrivateKey.from_private_bytes(seed))


def save_merge_key(path: Path, key: MergeKey) -> None:
    """Nothing, when the key durably rests in a new file of mode 0600. Raises: as `save_key`."""
    write_private(path, key._key)  # noqa: SLF001


def load_merge_key(path: Path) -> MergeKey:
    """The private key in this file. Raises: as `load_key`."""
    key = read_private(path)
    if not isinstance(key, X25519PrivateKey):
        raise BadFederation("the key is not for X25519", file=str(path))
    return _merge_key(key)


def _merge_key(key: X25519PrivateKey) -> MergeKey:
    return MergeKey(key.public_key().public_bytes_raw(), key)
