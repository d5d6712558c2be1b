r"""Signed notes: a text, a blank line, and one signature line for each signer (C2SP signed-note).

    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FF...=

What is signed is the text with its last newline, without the blank line. A signature line is an
em dash (U+2014), a space, the key's name, a space, and base64(key id ‖ signature). The key id is
the first 4 bytes of SHA-256(name ‖ "\n" ‖ algorithm ‖ public key); algorithm 0x01 is Ed25519. It
is a hint about which key to try, and proves nothing.

>>> key_id_of("PeterNeumann", bytes(32)).hex()
'60b9fb2a'
>>> parse_note(format_note(Note("hello\n", (NoteSignature("k", b"1234", b"s" * 64),)))).text
'hello\n'
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from narrows.core.terms import digest_of
from narrows.errors import ProofInvalid

ED25519 = b"\x01"
MAX_SIGNATURES = 100
KEY_ID_BYTES = 4
_DASH = "\u2014 "
_KEY_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Verifier(Protocol):
    """A public key with a name."""

    @property
    def name(self) -> str:
        """The key's name: for a ledger, its origin."""
        ...

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that signature lines begin with."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made that signature over that message."""
        ...


class Signer(Protocol):
    """A private key with a name; it stays where it is."""

    @property
    def verifier(self) -> Verifier:
        """The public half, with the same name."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature over that message."""
        ...


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures, verified or not."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a verifier key text spells: a name and the 32 bytes of an Ed25519 public key."""

    name: str
    public_key: bytes


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """The note of this text under these signatures, as bytes.

    Raises: ProofInvalid where the text or a signer's name cannot stand in a note.
    """
    signed = text.encode()
    lines = (
        NoteSignature(signer.verifier.name, signer.verifier.key_id, signer.sign(signed))
        for signer in signers
    )
    return format_note(Note(text, tuple(lines)))


def verify_note(note: bytes, verifier: Verifier) -> str:
    """The text of a note that this key signed; lines of other keys are passed over.

    Raises: ProofInvalid when the note is malformed, holds no line of this key, or a line of this
    key does not verify.
    """
    found = parse_note(note)
    signed = found.text.encode()
    ours = [
        line
        for line in found.signatures
        if line.name == verifier.name and line.key_id == verifier.key_id
    ]
    if not ours:
        raise ProofInvalid(f"the note holds no signature by this key of `{verifier.name}`")
    if not all(verifier.verify(signed, line.signature) for line in ours):
        raise ProofInvalid(f"a signature by `{verifier.name}` does not verify")
    return found.text


def format_note(note: Note) -> bytes:
    """The bytes of a note; `parse_note` undoes it.

    Raises: ProofInvalid for a text or a name that a note cannot carry.
    """
    _check_text(note.text)
    lines = []
    for line in note.signatures:
        if not _KEY_NAME.fullmatch(line.name):
            raise ProofInvalid("a key name is empty, or holds a space or a plus sign")
        spelled = base64.b64encode(line.key_id + line.signature).decode()
        lines.append(f"{_DASH}{line.name} {spelled}\n")
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise ProofInvalid(f"a note has between 1 and {MAX_SIGNATURES} signatures")
    return f"{note.text}\n{''.join(lines)}".encode()


def parse_note(data: bytes) -> Note:
    """The note that these bytes spell; nothing is verified.

    Raises: ProofInvalid for whatever C2SP signed-note calls malformed.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as cause:
        raise ProofInvalid("the note is not text in UTF-8") from cause
    text, blank, block = whole.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise ProofInvalid("the note has no signature lines after a blank line")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise ProofInvalid(f"the note has more than {MAX_SIGNATURES} signatures")
    _check_text(text + "\n")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def format_key(key: PublicKey) -> str:
    """The verifier key text, as C2SP signed-note spells it; `parse_key` undoes it.

    >>> format_key(PublicKey("nsor", bytes(32)))
    'nsor+64464bdf+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    spelled = base64.b64encode(ED25519 + key.public_key).decode()
    return f"{key.name}+{key_id_of(key.name, key.public_key).hex()}+{spelled}"


def parse_key(text: str) -> PublicKey:
    """The key that a verifier key text spells.

    Raises: ProofInvalid for another form or algorithm, or a key id that does not fit.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_NAME.fullmatch(parts[0]):
        raise ProofInvalid("a verifier key is not of the form `name+id+key`")
    key = _unbase64(parts[2])
    if key[:1] != ED25519 or len(key) != 33:
        raise ProofInvalid("a verifier key is not for Ed25519")
    found = PublicKey(parts[0], key[1:])
    if format_key(found) != text:
        raise ProofInvalid("a verifier key has an id that does not fit it")
    return found


def key_id_of(name: str, public_key: bytes) -> bytes:
    """The 4 bytes that name an Ed25519 key in signature lines."""
    return digest_of(name.encode(), b"\n", ED25519, public_key)[:KEY_ID_BYTES]


def _parse_line(line: str) -> NoteSignature:
    name, space, spelled = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _KEY_NAME.fullmatch(name):
        raise ProofInvalid("the note has a line that is no signature line")
    found = _unbase64(spelled)
    if len(found) <= KEY_ID_BYTES:
        raise ProofInvalid("the note has a signature that is too short")
    return NoteSignature(name, found[:KEY_ID_BYTES], found[KEY_ID_BYTES:])


def _unbase64(text: str) -> bytes:
    """The bytes, of the one canonical spelling only: two spellings would be two notes."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise ProofInvalid("a key or signature is not base64") from cause
    if base64.b64encode(found).decode() != text:
        raise ProofInvalid("a key or signature is not in canonical base64")
    return found


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ProofInvalid("the text of a note ends in a newline and has no control characters")
