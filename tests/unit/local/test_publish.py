"""A policy is signed with the agency's key and put where its node finds it, never an older one."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app
from narrows.core.publishing import policy_bytes
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.folder.load import load_folder
from narrows.local.mint import mint
from narrows.local.publish import newest_text, publish_policy, sign_policy
from narrows.local.state import GATEWAY, Running, State
from narrows.store.keys import load_key, new_key, save_key
from narrows.store.seen import write_seen

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
ADDRESSES = {
    name: f"127.0.0.1:{7000 + n}"
    for n, name in enumerate((GATEWAY, "harbour", "hilltop", "riverside"))
}


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A minted library that does not run."""
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    found = State(tmp_path / "state")
    root = mint(found, load_folder(folder), ADDRESSES, datetime.now(UTC))
    found.write(Running("library", str(folder), "tiny", 7, root, ADDRESSES))
    return found


def folder_of(state: State) -> Path:
    return state.folder.parent / "library"


def text_of(state: State) -> str:
    return (folder_of(state) / "members/harbour/policy.yaml").read_text()


def proposal(state: State, *pairs: tuple[str, str], version: int = 2) -> Path:
    text = text_of(state).replace("version: 1", f"version: {version}")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = state.folder.parent / "proposal.yaml"
    path.write_text(text)
    return path


def verifies(state: State, text: str) -> bool:
    home = state.member("harbour")
    key = load_key(home / "policy.key", "harbour").verifier
    signature = bytes.fromhex((home / "policy.sig").read_text().strip())
    return key.verify(policy_bytes(text.encode()), signature)


def served(state: State) -> str:
    federation = load_folder(folder_of(state))
    node = federation.members[MemberName("harbour")].node
    assert node is not None
    return newest_text(state.member("harbour"), node, federation.catalog)


def test_a_newer_policy_is_put_into_the_home_and_signed(state: State) -> None:
    path = proposal(state, ("first 3", "first 2"))
    assert verifies(state, text_of(state))
    assert publish_policy(state, path, None).version == 2
    assert (state.member("harbour") / "policy.yaml").read_text() == path.read_text()
    assert verifies(state, path.read_text())
    assert served(state) == path.read_text()
    assert list(state.member("harbour").glob("*.new")) == []
    # The same again changes nothing.
    assert publish_policy(state, path, None).version == 2


def test_minting_again_leaves_what_was_published(state: State) -> None:
    path = proposal(state, ("first 3", "first 2"))
    publish_policy(state, path, None)
    mint(state, load_folder(folder_of(state)), ADDRESSES, datetime.now(UTC))
    assert verifies(state, path.read_text())
    # A newer one in the folder counts again.
    newer = text_of(state).replace("version: 1", "version: 3")
    (folder_of(state) / "members/harbour/policy.yaml").write_text(newer)
    mint(state, load_folder(folder_of(state)), ADDRESSES, datetime.now(UTC))
    assert verifies(state, newer)
    assert served(state) == newer


@pytest.mark.parametrize(
    ("pairs", "version", "said"),
    [
        ((("first 3", "first 2"),), 1, "version 1 is there already"),
        ((("patron.card_number", "patron.card"),), 2, "has no column `card`"),
        ((("agency: harbour", "agency: nowhere"),), 2, "`nowhere` is no holder here"),
        (
            (("agreements:\n", "agreements:\n  - {id: twin, authority: A, with: {classes: [desk]}, "
              "purposes: [interlibrary_loan], valid: {from: 2026-01-01}, lookup: {by: "
              "[[patron.card_number]], at_most: {rows: 1, literals: 1}, show: {patron: "
              "{full_name: as is}}}}\n"),),
            2,
            "both apply to `interlibrary_loan`",
        ),
    ],
)  # fmt: skip
def test_what_is_older_or_wrong_is_not_published(
    state: State, pairs: tuple[tuple[str, str], ...], version: int, said: str
) -> None:
    with pytest.raises(BadFederation, match=said):
        publish_policy(state, proposal(state, *pairs, version=version), None)
    assert not (state.member("harbour") / "policy.yaml").exists()
    assert verifies(state, text_of(state))


def test_a_version_that_a_node_has_served_is_not_gone_back_to(state: State) -> None:
    write_seen(state.member("harbour") / "policy.version", 5)
    with pytest.raises(BadFederation, match="version 5 is there already"):
        publish_policy(state, proposal(state), None)


def test_another_key_signs_nothing(state: State, tmp_path: Path) -> None:
    key = tmp_path / "other.key"
    save_key(key, new_key("harbour", seed=b"o" * 32))
    path = proposal(state)
    federation = load_folder(folder_of(state))
    forged = sign_policy(path, federation, key)
    with pytest.raises(BadFederation, match="did not sign this text"):
        publish_policy(state, path, forged.signature)
    mine = sign_policy(path, federation, state.member("harbour") / "policy.key")
    assert publish_policy(state, path, mine.signature).version == 2


def run(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app("policy"), ["policy", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


def test_the_commands_sign_apart_and_publish(state: State, tmp_path: Path) -> None:
    path, out = proposal(state), tmp_path / "proposal.sig"
    key = state.member("harbour") / "policy.key"
    code, said = run("sign", path, "--key", key, "--folder", folder_of(state), "--out", out)
    assert (code, said) == (0, f"signed  harbour, version 2: {out}\n")
    code, said = run("publish", path, "--signature", out, "--state", state.folder)
    assert (code, said) == (0, "published  harbour, version 2, in force from 2026-01-01\n")
    out.write_text("no signature")
    with pytest.raises(BadFederation, match="no hexadecimal text"):
        run("publish", path, "--signature", out, "--state", state.folder)


def test_the_key_of_the_state_is_found_by_the_folder(state: State) -> None:
    path = folder_of(state) / "members/harbour/policy.yaml"
    code, _ = run("sign", path, "--state", state.folder)
    assert (code, (path.parent / "policy.sig").exists()) == (0, True)
    with pytest.raises(BadFederation, match="no policy key is known"):
        run("sign", proposal(state), "--folder", folder_of(state), "--state", state.folder)
