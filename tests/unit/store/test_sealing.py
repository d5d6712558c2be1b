"""Merge keys, and what is sealed to them: to one key, at one place, and whole."""

import stat
from pathlib import Path

import pytest

from narrows.errors import BadFederation, CheckFailed, ProofInvalid
from narrows.store.keys import new_key, save_key
from narrows.store.sealing import load_merge_key, new_merge_key, save_merge_key, seal

KEY = new_merge_key(seed=bytes(range(32)))
SEALED = bytes.fromhex(
    "232d6705879060ccb14f0fc1d60795959d326ec38d00dd7cbc718cff7a846b5fbd7d2029881dec6b63d22a7fea275ed2a7c5739b"
)
"""`b"rows"`, sealed to the key of that seed at `b"here"`, once."""


def test_what_was_sealed_is_opened() -> None:
    assert KEY.open(SEALED, b"here") == b"rows"
    again = seal(KEY.public_key, b"rows", b"here")
    assert KEY.open(again, b"here") == b"rows"
    assert again != SEALED
    assert b"rows" not in SEALED


@pytest.mark.parametrize(
    ("message", "info"),
    [
        (SEALED, b"there"),
        (SEALED, b""),
        (SEALED[:-1], b"here"),
        (SEALED + b"\0", b"here"),
        (SEALED[:10], b"here"),
        (b"", b"here"),
        (bytes(len(SEALED)), b"here"),
        *(
            (SEALED[:n] + bytes([SEALED[n] ^ 1]) + SEALED[n + 1 :], b"here")
            for n in (0, 31, 32, 51)
        ),
    ],
)
def test_what_is_not_whole_or_of_another_place_does_not_open(message: bytes, info: bytes) -> None:
    with pytest.raises(ProofInvalid, match="does not open"):
        KEY.open(message, info)


def test_another_key_does_not_open() -> None:
    with pytest.raises(ProofInvalid):
        new_merge_key(seed=bytes(32)).open(SEALED, b"here")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32)])
def test_to_what_is_no_key_nothing_is_sealed(key: bytes) -> None:
    with pytest.raises(CheckFailed, match="X25519"):
        seal(key, b"rows", b"here")


def test_a_key_rests_as_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "merge.key"
    save_merge_key(path, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_merge_key(path) == KEY
    assert load_merge_key(path).open(SEALED, b"here") == b"rows"
    assert "PrivateKey" not in repr(KEY)
    with pytest.raises(BadFederation):
        save_merge_key(path, KEY)
    path.chmod(0o640)
    with pytest.raises(BadFederation, match="others"):
        load_merge_key(path)


def test_a_key_that_signs_is_no_merge_key(tmp_path: Path) -> None:
    save_key(tmp_path / "request.key", new_key("vpd", seed=bytes(32)))
    with pytest.raises(BadFederation, match="X25519"):
        load_merge_key(tmp_path / "request.key")
    with pytest.raises(CheckFailed, match="32 bytes"):
        new_merge_key(seed=bytes(31))
