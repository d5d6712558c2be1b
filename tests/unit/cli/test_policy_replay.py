"""`narrows policy replay` over a real ledger, read while its writer has it open."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app
from narrows.core.canonical import Json
from narrows.core.entries import decided
from narrows.core.ledger.entry import Draft, Kind
from narrows.core.ledger.parts import spell
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import plan
from narrows.core.policy.cases import circumstances_from
from narrows.core.policy.decision import Requester
from narrows.core.policy.offline import decide_parts
from narrows.core.request import Audience, Commitments, Header, encode_header, request_id
from narrows.core.terms import Digest, Holder, MemberName, Purpose, RequestId
from narrows.errors import BadFederation, ProofInvalid
from narrows.folder.load import load_folder
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import open_ledger
from narrows.store.reading import read_entries

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
SQL = "SELECT full_name, postal_code FROM patron WHERE card_number = 'ZZ1001'"
KEY = new_key("harbour.library/ledger", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZERO = Digest(bytes(32))


def draft_of(number: int, when: datetime) -> tuple[Draft, RequestId]:
    """What a node enters about one question of the desk."""
    federation = load_folder(LIBRARY)
    node = federation.members[MemberName("harbour")].node
    assert node is not None
    header = Header(
        nonce=number.to_bytes(16, "big"),
        issued_at=when,
        expires_at=when + timedelta(seconds=30),
        agency=MemberName("reader-desk"),
        unit="",
        purpose=Purpose("interlibrary_loan"),
        form="lookup",
        authority=None,
        ticket=None,
        emergency=False,
        audience=Audience("library", "gateway", federation.catalog.digest, "1"),
        merge_at="gateway",
        partial=False,
        deadline_ms=1000,
        commitments=Commitments(ZERO, ZERO, (ZERO,), {"officer": ZERO}),
    )
    fields = {"purpose": header.purpose, "day": when.date().isoformat(), "officer": "12"}
    who = circumstances_from(
        fields, Requester(header.agency, "desk", "CAN"), federation.catalog, ""
    )
    (part,) = decide_parts(node.policy, federation.catalog, plan(SQL, {}, federation.catalog), who)
    encoded = encode_header(header)
    opened: Mapping[str, Json] = {
        "asked": {"header": encoded.decode(), "signatures": [{"role": "agency"}]},
        "decisions": [spell(decided(Holder("harbour"), 0, part.decision))],
    }
    sealed = {"fragments/0": encode_fragment(part.fragment), "officer": b"12"}
    name = request_id(encoded)
    return Draft(Kind.DISCLOSURE, name, opened, sealed), name


async def make_ledger(folder: Path) -> list[RequestId]:
    """Two questions, and an entry that is about none; the ledger stays open."""
    ledger = open_ledger(DiskFiles(folder), KEY, clock=lambda: NOON, salt=lambda: os.urandom(32))
    names = []
    for number, day in ((1, 0), (2, 40)):
        draft, name = draft_of(number, NOON - timedelta(days=day))
        await ledger.append(draft)
        names.append(name)
    await ledger.append(Draft(Kind.COUNTED, None, {}))
    assert len(list(read_entries(DiskFiles(folder)))) == 3
    await ledger.close()
    return names


@pytest.fixture
async def ledger(tmp_path: Path) -> tuple[Path, list[RequestId]]:
    return tmp_path / "ledger", await make_ledger(tmp_path / "ledger")


def run(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app("policy"), ["policy", "replay", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


def proposed(tmp_path: Path, old: str, new: str) -> Path:
    text = (LIBRARY / "members/harbour/policy.yaml").read_text()
    assert old in text
    path = tmp_path / "proposal.yaml"
    path.write_text(text.replace(old, new).replace("version: 1", "version: 2"))
    return path


def test_what_would_have_changed_is_told_request_by_request(
    tmp_path: Path, ledger: tuple[Path, list[RequestId]]
) -> None:
    folder, names = ledger
    known = ("--ledger", folder, "--folder", LIBRARY)
    stricter = proposed(tmp_path, "[officer]", "[officer, grounds]")
    code, said = run(stricter, "--since", "2026-01-01", *known)
    assert code == 0
    assert said.startswith("2 requests looked at, 2 answered otherwise, 0 that cannot")
    assert all(name in said for name in names)
    assert "NARROWED -> REFUSED" in said
    assert "because  `interlibrary-loan` requires `grounds`" in said
    said = run(stricter, "--since", "2026-05-15", *known, "--format", "json")[1]
    found = json.loads(said)
    assert (found["requests"], [one["request"] for one in found["changed"]]) == (1, names[:1])
    assert found["by"] == [
        {"member": "reader-desk", "purpose": "interlibrary_loan", "was": "NARROWED",
         "would_be": "REFUSED", "requests": 1}
    ]  # fmt: skip
    finer = proposed(tmp_path, "first 3", "first 2")
    said = run(finer, "--since", "2026-05-15", *known)[1]
    assert "no longer patron.postal_code: first 3, patron.postal_code: first 2" in said
    same = proposed(tmp_path, "keep_days: 30", "keep_days: 20")
    assert "0 answered otherwise" in run(same, "--since", "2026-01-01", *known)[1]


def test_what_was_erased_is_told(tmp_path: Path, ledger: tuple[Path, list[RequestId]]) -> None:
    folder, names = ledger
    sealed = (folder / "sealed").read_bytes()
    # The first record, its fragment, is erased as `records` says: state, then salt and value.
    name_at = sealed.index(b"fragments/0")
    length = int.from_bytes(sealed[10:14], "big")
    start = name_at + len(b"fragments/0")
    erased = b"\0" + sealed[1:start] + bytes(32 + length) + sealed[start + 32 + length :]
    (folder / "sealed").write_bytes(erased)
    same = proposed(tmp_path, "keep_days: 30", "keep_days: 20")
    said = run(same, "--since", "2026-01-01", "--ledger", folder, "--folder", LIBRARY)[1]
    assert "1 that cannot be decided again" in said
    assert f"{names[0]}  cannot be decided again" in said


def test_a_ledger_that_is_damaged_or_not_there_is_refused(
    tmp_path: Path, ledger: tuple[Path, list[RequestId]]
) -> None:
    folder, _ = ledger
    same = proposed(tmp_path, "keep_days: 30", "keep_days: 20")
    with pytest.raises(BadFederation, match="no such ledger"):
        run(same, "--since", "2026-01-01", "--ledger", tmp_path / "none", "--folder", LIBRARY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFederation, match="holds no ledger"):
        run(same, "--since", "2026-01-01", "--ledger", tmp_path / "empty", "--folder", LIBRARY)
    sealed = bytearray((folder / "sealed").read_bytes())
    sealed[60] ^= 1
    (folder / "sealed").write_bytes(sealed)
    with pytest.raises(ProofInvalid, match="differs from the entry"):
        run(same, "--since", "2026-01-01", "--ledger", folder, "--folder", LIBRARY)
    (folder / "sealed").write_bytes(b"")
    with pytest.raises(ProofInvalid, match="is missing"):
        run(same, "--since", "2026-01-01", "--ledger", folder, "--folder", LIBRARY)
