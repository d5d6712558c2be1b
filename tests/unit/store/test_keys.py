import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from narrows.errors import BadFederation, CheckFailed, ProofInvalid
from narrows.store.keys import VerifyingKey, load_key, new_key, read_verifying_key, save_key

KEY = new_key("nsor.canada/ledger", seed=b"k" * 32)


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    save_key(path, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert load_key(path, "nsor.canada/ledger").sign(b"hello") == KEY.sign(b"hello")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    save_key(path, KEY)
    with pytest.raises(BadFederation):
        save_key(path, new_key("other", seed=b"o" * 32))
    assert load_key(path, "nsor.canada/ledger") == KEY


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    save_key(path, KEY)
    path.chmod(0o640)
    with pytest.raises(BadFederation, match="chmod 600"):
        load_key(path, "name")


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    with pytest.raises(BadFederation):
        load_key(path, "name")
    other = X25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", pem):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(BadFederation):
            load_key(path, "name")


def test_only_the_right_key_verifies_the_right_bytes() -> None:
    signature = KEY.sign(b"hello")
    assert len(signature) == 64
    assert KEY.verifier.verify(b"hello", signature)
    assert not KEY.verifier.verify(b"hallo", signature)
    assert not KEY.verifier.verify(b"hello", signature[:-1])
    assert not new_key("nsor.canada/ledger", seed=b"x" * 32).verifier.verify(b"hello", signature)


def test_a_public_key_travels_as_text() -> None:
    assert read_verifying_key(KEY.verifier.text) == KEY.verifier
    with pytest.raises(ProofInvalid):
        read_verifying_key(KEY.verifier.text[:-2])
    with pytest.raises(CheckFailed):
        VerifyingKey("name", b"short")
    with pytest.raises(CheckFailed):
        new_key("name", seed=b"short")


def test_a_private_key_does_not_show() -> None:
    assert "Private" not in repr(KEY)
    assert "k" * 32 not in repr(KEY)
