"""Proofs from the command line: receipts in any spelling, ledgers by their folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.ask import as_json
from narrows.cli.main import app
from narrows.client.evidence import verify_answer
from narrows.core.ledger.receipt import encode_receipt
from narrows.errors import BadFederation, NarrowsError, ProofInvalid
from tests.unit.client.true_answer import expecting, tell, true_telling
from tests.unit.serving.world import GATEWAY, NSOR, OSOR, VERIFIERS, opened_world, sign

ALL = tuple(word for name in (GATEWAY, NSOR, OSOR) for word in ("--key", VERIFIERS[name].text))


@dataclass(frozen=True, slots=True)
class Kept:
    """The ledgers of a world that has stopped, and what a requester kept of one answer."""

    folder: Path
    receipt: dict[str, object]
    answer: dict[str, object]

    def file(self, content: object, **how: int) -> str:
        path = self.folder / "kept.json"
        path.write_text(json.dumps(content, **how))  # type: ignore[arg-type]
        return str(path)

    def ledger(self, name: str) -> Path:
        return self.folder / name / "ledger"


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    async with opened_world(tmp_path) as world:
        request = sign()
        told = await tell(world, request, await true_telling(world, request))
        answer = verify_answer(told, expecting(request))
    document = json.loads(json.dumps(as_json(answer)))
    return Kept(tmp_path, json.loads(encode_receipt(answer.receipt)), document)


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app(), list(words))
    if isinstance(found.exception, NarrowsError):
        raise found.exception
    return found.exit_code, found.stdout


def kinds(*words: str) -> list[str]:
    code, said = run("verify", *words, "--format", "json")
    document = json.loads(said)
    assert (code, document["ok"]) == (0, True)
    return [one["kind"] for one in document["entries"]]


def test_a_receipt_verifies_in_any_spelling(kept: Kept) -> None:
    path = kept.file(kept.receipt)
    Path(path).write_bytes(json.dumps(kept.receipt, sort_keys=True).encode() + b"\n")
    assert kinds(path, *ALL) == ["outcome"]
    backwards = dict(reversed(kept.receipt.items()))
    assert kinds(kept.file(backwards, indent=2), *ALL) == ["outcome"]


def test_so_do_a_list_of_them_and_a_whole_answer(kept: Kept) -> None:
    assert kinds(kept.file([kept.receipt, kept.receipt]), *ALL) == ["outcome"] * 2
    assert kinds(kept.file(kept.answer), *ALL) == ["outcome", "disclosure", "disclosure"]


def test_in_words_it_says_who_entered_what_when(kept: Kept) -> None:
    code, said = run("verify", kept.file(kept.receipt), *ALL)
    assert code == 0
    assert said.startswith("verifies: gateway.canada/ledger entered this outcome at 2026-06-01T12")


@pytest.mark.parametrize(
    ("field", "value"), [("index", 7), ("index", True), ("proof", ["00" * 32]), ("v", "other")]
)
def test_a_changed_one_does_not_verify(kept: Kept, field: str, value: object) -> None:
    with pytest.raises(ProofInvalid):
        run("verify", kept.file({**kept.receipt, field: value}), *ALL)


def test_one_bad_receipt_in_an_answer_is_enough(kept: Kept) -> None:
    agencies = kept.answer["agencies"]
    assert isinstance(agencies, list)
    agencies[1]["receipt"]["entry"] = agencies[1]["receipt"]["entry"].replace(
        '"row_count":2', '"row_count":3'
    )
    with pytest.raises(ProofInvalid, match="step 4"):
        run("verify", kept.file(kept.answer), *ALL)


def test_the_key_of_its_own_ledger_is_needed(kept: Kept) -> None:
    with pytest.raises(ProofInvalid, match=r"no key of the ledger `gateway\.canada/ledger`"):
        run("verify", kept.file(kept.receipt), "--key", VERIFIERS[NSOR].text)
    stranger = VERIFIERS[NSOR].text.replace("nsor", "gateway")
    with pytest.raises(ProofInvalid):
        run("verify", kept.file(kept.receipt), "--key", stranger)


def test_a_file_without_a_receipt_is_told(kept: Kept) -> None:
    contents: tuple[object, ...] = ({}, [], {"receipt": None, "agencies": []}, "text", 7)
    for content in contents:
        with pytest.raises(BadFederation, match="holds no receipt"):
            run("verify", kept.file(content), *ALL)
    path = Path(kept.file(""))
    path.write_text("no JSON")
    with pytest.raises(ProofInvalid, match="not JSON"):
        run("verify", str(path), *ALL)
    with pytest.raises(BadFederation, match="cannot be read"):
        run("verify", str(kept.folder / "none"), *ALL)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ProofInvalid, match="not JSON"):
        run("verify", str(path), *ALL)


def test_a_ledger_is_found_sound_or_damaged(kept: Kept) -> None:
    words = ("ledger", "verify", str(kept.ledger(NSOR)), *ALL)
    assert run(*words) == (0, "nsor.canada/ledger: 1 entry, sound\n")
    entries = kept.ledger(NSOR) / "entries"
    changed = bytearray(entries.read_bytes())
    changed[40] ^= 1
    entries.write_bytes(changed)
    code, said = run(*words)
    assert code == 1
    assert said.startswith("nsor.canada/ledger: ")
    assert "DAMAGED" in said
    code, said = run(*words, "--format", "json")
    document = json.loads(said)
    assert (code, document["ok"], document["ledgers"][0]["ok"]) == (1, False, False)
    assert document["ledgers"][0]["findings"]


def test_a_key_is_chosen_by_the_folder_or_is_the_only_one(kept: Kept, tmp_path: Path) -> None:
    only = ("--key", VERIFIERS[NSOR].text)
    elsewhere = tmp_path / "copied"
    kept.ledger(NSOR).rename(elsewhere)
    assert run("ledger", "verify", str(elsewhere), *only)[0] == 0
    with pytest.raises(BadFederation, match="no key is known"):
        run("ledger", "verify", str(elsewhere), *ALL)
    with pytest.raises(BadFederation, match="no such folder"):
        run("ledger", "verify", str(tmp_path / "none"), *ALL)


def test_a_key_that_is_none_is_refused(kept: Kept) -> None:
    with pytest.raises(ProofInvalid):
        run("verify", kept.file(kept.receipt), "--key", VERIFIERS[NSOR].text[:-2])
