"""Checkpoints: what a ledger's key signs about its size and root (C2SP tlog-checkpoint).

The text of the note has one line each for the origin, the size in decimal, the root in base64,
and any extension lines:

    nsor.canada/ledger
    2
    +sVCA+fMaWzw38tCySodna9wrZ5iH0vY2YZi8APjwSU=

>>> text = format_checkpoint(Checkpoint("example.org/log", 7, Digest(bytes(32))))
>>> parse_checkpoint(text).size
7
"""

import base64
import binascii
import re
from dataclasses import dataclass

from narrows.core.ledger.note import Signer, Verifier, sign_note, verify_note
from narrows.core.ledger.tree import HASH_BYTES
from narrows.core.terms import Digest
from narrows.errors import ProofInvalid

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root of the ledger of one origin; extensions are carried, not read."""

    origin: str
    size: int
    root: Digest
    extensions: tuple[str, ...] = ()


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The signed note of a checkpoint. Needs: the key's name is the checkpoint's origin.

    Raises: ProofInvalid where it is not, or the origin cannot stand in a note.
    """
    if signer.verifier.name != checkpoint.origin:
        raise ProofInvalid("a checkpoint is signed under another name than its origin")
    return sign_note(format_checkpoint(checkpoint), [signer])


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a note that this key signed for its own origin.

    Raises: ProofInvalid.
    """
    found = parse_checkpoint(verify_note(note, verifier))
    # One key may sign for one origin only; else the entries of one ledger could be passed off
    # under the checkpoints of another.
    if found.origin != verifier.name:
        raise ProofInvalid("the checkpoint is of another origin than the key")
    return found


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text of a checkpoint; `parse_checkpoint` undoes it."""
    root = base64.b64encode(checkpoint.root).decode()
    lines = (checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that this text spells; nothing is verified.

    Raises: ProofInvalid for anything but the canonical spelling.
    """
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1] or not _SIZE.fullmatch(lines[1]):
        raise ProofInvalid("the checkpoint does not spell origin, size and root")
    try:
        root = Digest(base64.b64decode(lines[2], validate=True))
    except (binascii.Error, ValueError) as cause:
        raise ProofInvalid("the root of the checkpoint is not base64") from cause
    found = Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:-1]))
    if len(root) != HASH_BYTES or format_checkpoint(found) != text:
        raise ProofInvalid("the root of the checkpoint is not 32 bytes in base64")
    return found
