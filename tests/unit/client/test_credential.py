"""A member's folder: read whole, or refused with the file that is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from narrows.client.credential import Credential, RequestKey, approver_key
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.directory import DirectoryKey, Peer
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, UnknownCaller
from narrows.store.certificates import Validity, new_authority, save_identity
from narrows.store.keys import SigningKey, save_key
from tests.unit.serving.world import (
    GATEWAY,
    LEDGER_KEYS,
    NOW,
    NSOR,
    OSOR,
    REQUEST_KEYS,
    ROOT,
    VPD,
    directory,
    key_of,
    public,
    signed,
)

VALID = Validity(NOW - timedelta(days=1), NOW + timedelta(days=1))
PEER = Peer("canada", "member", VPD)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = new_authority("canada", VALID)
    identity = authority.issue(PEER, VALID, serves=False)
    save_identity(tmp_path, identity, authority.identity.certificate)
    save_key(tmp_path / "request.key", REQUEST_KEYS[VPD].key)
    (tmp_path / "root.pub").write_text(ROOT.verifier.public_key.hex() + "\n")
    return tmp_path


def test_a_folder_is_read(folder: Path) -> None:
    found = Credential.load(str(folder))
    assert (found.peer, found.member, found.folder) == (PEER, VPD, folder)
    assert found.root == public(ROOT)
    assert found.key.key_id == REQUEST_KEYS[VPD].key_id
    assert found.key.sign(b"x") == REQUEST_KEYS[VPD].sign(b"x")


def test_a_key_has_the_name_that_the_directory_gives_it() -> None:
    key: SigningKey = key_of("any")
    assert RequestKey(key).key_id == DirectoryKey(key.verifier.public_key).key_id


def test_a_named_persons_own_key_is_found_by_the_name(folder: Path) -> None:
    path = approver_key(folder, "Sgt. A. Roy")
    path.parent.mkdir()
    save_key(path, key_of("any"))
    found = Credential.load(folder)
    assert found.person("Sgt. A. Roy").key_id == RequestKey(key_of("any")).key_id
    for name in ("Insp. L. Chan", "", "../request"):
        with pytest.raises(BadFederation, match="no approver of that name"):
            found.person(name)


@pytest.mark.parametrize("name", ["tls.crt", "root.pub", "request.key"])
def test_a_folder_that_lacks_something_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadFederation) as caught:
        Credential.load(folder)
    assert str(folder) in caught.value.file


@pytest.mark.parametrize(
    ("name", "text"), [("root.pub", "no hexadecimal"), ("tls.crt", "no PEM"), ("request.key", "")]
)
def test_a_file_that_is_something_else_is_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(BadFederation):
        Credential.load(folder)


def test_a_certificate_of_nobody_is_refused(folder: Path) -> None:
    authority = new_authority("canada", VALID)
    (folder / "tls.crt").write_bytes(authority.identity.certificate)
    with pytest.raises(BadFederation, match="exactly one URI name"):
        Credential.load(folder)
    stranger = authority.issue(Peer("canada", "visitor", MemberName("x")), VALID)
    (folder / "tls.crt").write_bytes(stranger.certificate)
    with pytest.raises(UnknownCaller):
        Credential.load(folder)


def test_the_directory_is_read_and_verified(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(signed(directory()))
    assert read_directory(path, public(ROOT), NOW) == directory()
    with pytest.raises(BadFederation, match="not signed"):
        read_directory(path, public(key_of("other")), NOW)
    with pytest.raises(BadFederation, match="not in force"):
        read_directory(path, public(ROOT), NOW + timedelta(days=1))
    path.unlink()
    with pytest.raises(BadFederation, match="cannot be read"):
        read_directory(path, public(ROOT), NOW)


def test_every_ledger_has_a_verifier_under_its_own_name() -> None:
    found = ledger_verifiers(directory())
    assert found == {name: key.verifier for name, key in LEDGER_KEYS.items()}
    assert set(found) == {GATEWAY, NSOR, OSOR}
    assert found[NSOR].name == "nsor.canada/ledger"
