import base64
import json
from pathlib import Path
from typing import Any

import pytest

from narrows.core.ledger.note import (
    Note,
    NoteSignature,
    format_note,
    key_id_of,
    parse_key,
    parse_note,
    sign_note,
    verify_note,
)
from narrows.errors import ProofInvalid
from narrows.store.keys import new_key, read_verifying_key

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "notes" / "go.json").read_text()
)
TEXT: str = VECTORS["text"]
PETER: str = VECTORS["lines"]["PeterNeumann"]
ENOCH: str = VECTORS["lines"]["EnochRoot"]
PETER_KEY = read_verifying_key(VECTORS["verifiers"]["PeterNeumann"])
ENOCH_KEY = read_verifying_key(VECTORS["verifiers"]["EnochRoot"])


def test_the_published_note_comes_out_byte_for_byte() -> None:
    key = new_key("PeterNeumann", seed=base64.b64decode(VECTORS["signer_seed_base64"]))
    assert key.verifier.text == VECTORS["verifiers"]["PeterNeumann"]
    assert sign_note(TEXT, [key]) == f"{TEXT}\n{PETER}".encode()


def test_the_published_notes_verify() -> None:
    both = f"{TEXT}\n{PETER}{ENOCH}".encode()
    assert verify_note(both, PETER_KEY) == TEXT
    assert verify_note(both, ENOCH_KEY) == TEXT
    assert format_note(parse_note(both)) == both
    assert key_id_of("PeterNeumann", PETER_KEY.public_key) == PETER_KEY.key_id


@pytest.mark.parametrize(
    "note",
    [
        f"{TEXT}\n{ENOCH}",
        f"{TEXT}\n{PETER[:60]}ABCD{PETER[60:]}",
        f"{TEXT.replace('answer', 'Answer')}\n{PETER}",
        f"{TEXT}\n{PETER.replace('PeterNeumann', 'PeterNeuman')}",
    ],
)
def test_a_note_that_this_key_did_not_sign_is_refused(note: str) -> None:
    with pytest.raises(ProofInvalid):
        verify_note(note.encode(), PETER_KEY)


@pytest.mark.parametrize(
    "note",
    [
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{PETER[:-1]}".encode(),
        f"\x01{TEXT}\n{PETER}".encode(),
        b"\xff" + f"{TEXT}\n{PETER}".encode(),
        f"{TEXT}\n{PETER.replace('PeterNeumann', 'Bad Name')}".encode(),
        f"{TEXT}\n{PETER}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETER * 101}".encode(),
        f"{TEXT}\n— PeterNeumann\n".encode(),
        f"{TEXT}\n— PeterNeumann !!!!\n".encode(),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n— PeterNeumann x08goz==\n".encode(),
    ],
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(ProofInvalid):
        parse_note(note)


def test_what_a_note_cannot_carry_is_not_written() -> None:
    line = NoteSignature("name", b"1234", b"signature")
    format_note(Note("text\n", (line,)))
    for note in (
        Note("no newline", (line,)),
        Note("text\n", ()),
        Note("text\n", (line,) * 101),
        Note("text\n", (NoteSignature("a+b", b"1234", b"signature"),)),
    ):
        with pytest.raises(ProofInvalid):
            format_note(note)


def test_manglings_of_a_verifier_key_are_refused() -> None:
    good: str = VECTORS["verifiers"]["PeterNeumann"]
    assert parse_key(good).name == "PeterNeumann"
    cut = [good[i:j] for i in range(len(good)) for j in range(i + 1, len(good) + 1)]
    turned = [f"{good[:n]}{chr(ord(good[n]) + 1)}{good[n + 1 :]}" for n in range(len(good))]
    for text in [*(part for part in cut if part != good), *turned, *VECTORS["refused_verifiers"]]:
        with pytest.raises(ProofInvalid):
            parse_key(text)
