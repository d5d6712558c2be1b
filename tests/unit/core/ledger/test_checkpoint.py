import base64

import pytest

from narrows.core.ledger.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from narrows.core.ledger.note import sign_note
from narrows.core.terms import Digest
from narrows.errors import ProofInvalid
from narrows.store.keys import new_key

KEY = new_key("example.org/log", seed=b"k" * 32)
ROOT = Digest(b"r" * 32)
SPELLED = base64.b64encode(ROOT).decode()


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    for extensions in ((), ("one", "two words")):
        checkpoint = Checkpoint("example.org/log", 7, ROOT, extensions)
        assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint
        assert open_checkpoint(sign_checkpoint(checkpoint, KEY), KEY.verifier) == checkpoint


def test_a_checkpoint_of_another_origin_is_neither_signed_nor_taken() -> None:
    other = Checkpoint("example.org/other", 7, ROOT)
    with pytest.raises(ProofInvalid):
        sign_checkpoint(other, KEY)
    with pytest.raises(ProofInvalid):
        open_checkpoint(sign_note(format_checkpoint(other), [KEY]), KEY.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org/log\n7\n",
        f"example.org/log\n07\n{SPELLED}\n",
        f"example.org/log\n-7\n{SPELLED}\n",
        f"example.org/log\n٧\n{SPELLED}\n",
        f"\n7\n{SPELLED}\n",
        f"example.org/log\n7\n{SPELLED}",
        f"example.org/log\n7\n{SPELLED}\n\n",
        f"example.org/log\n7\n{SPELLED[:-1]}\n",
        f"example.org/log\n7\n{SPELLED[:-4]}\n",
        "example.org/log\n7\nnot base64\n",
    ],
)
def test_a_checkpoint_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid):
        parse_checkpoint(text)
