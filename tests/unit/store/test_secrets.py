"""A holder's secrets: made once, private, one a year, and what is computed with them."""

import hmac
from base64 import b32encode
from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.store.secrets import Secrets, make_secret

SCOPE = "vpd/investigation/2026-06/person.person_id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_secret(tmp_path / "secrets", 2026, bytes)
    return tmp_path / "secrets"


def test_a_secret_is_private_and_made_once(folder: Path) -> None:
    path = folder / "2026.key"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    make_secret(folder, 2026)
    assert path.read_bytes() == before
    assert Secrets(folder).years() == (2026,)


def test_a_token_is_what_is_published(folder: Path) -> None:
    message = b"narrows/token/v1\nperson.document\nZZ1"
    expected = hmac.digest(bytes(32), message, "sha256")[:16]
    token = Secrets(folder).token(2026)
    assert token("person.document", "ZZ1") == expected
    assert token("person.document", "ZZ2") != expected
    assert token("person.surname", "ZZ1") != expected


def test_a_pseudonym_is_eighty_bits_and_hangs_on_its_scope(folder: Path) -> None:
    secrets = Secrets(folder)
    word = secrets.pseudonym(SCOPE, "9")
    message = f"narrows/pseudonym/v1\n{SCOPE}\n9".encode()
    expected = b32encode(hmac.digest(bytes(32), message, "sha256")[:10]).decode().lower()
    assert word == expected
    assert len(word) == 16
    assert secrets.pseudonym(SCOPE.replace("vpd", "spvm"), "9") != word
    assert secrets.pseudonym(SCOPE, "10") != word


def test_a_year_that_begins_gets_its_own_secret_and_the_old_one_stays(folder: Path) -> None:
    secrets = Secrets(folder)
    old = secrets.token(2026)("person.document", "ZZ1")
    new = secrets.token(2027)("person.document", "ZZ1")
    assert old != new
    assert (folder / "2027.key").stat().st_mode & 0o777 == 0o600
    again = Secrets(folder)
    assert again.years() == (2026, 2027)
    assert again.token(2026)("person.document", "ZZ1") == old
    assert again.token(2027)("person.document", "ZZ1") == new


def test_a_secret_of_a_year_past_is_never_made_anew(folder: Path) -> None:
    with pytest.raises(BadFederation, match="no secret of that year"):
        Secrets(folder).token(2025)
    assert not (folder / "2025.key").exists()


def test_a_holder_without_a_secret_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="has no secret"):
        Secrets(tmp_path)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        ("00" * 32, 0o640, "others than its owner"),
        ("00" * 31, 0o600, "not 32 bytes"),
        ("no digits", 0o600, "cannot be read"),
    ],
)
def test_a_secret_that_is_none_is_refused(folder: Path, content: str, mode: int, why: str) -> None:
    path = folder / "2026.key"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(BadFederation, match=why):
        Secrets(folder)


def test_a_secret_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file is in the way")
    with pytest.raises(BadFederation, match="cannot be written"):
        make_secret(tmp_path / "secrets", 2026)
