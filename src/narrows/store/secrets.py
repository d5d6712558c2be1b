r"""A holder's secrets for tokens and pseudonyms: one file a year, never shown to anybody.

`secrets/2026.key` holds 32 random bytes as 64 hexadecimal digits, mode 0600. A year's secret makes
the tokens of that year's entries; those of years past are kept, since whoever asks a ledger about
a person must compute the tokens of old entries too. Once all entries of a year have lost their
sealed part, its file may be deleted.

A token is the first 16 bytes of HMAC-SHA256 over `"narrows/token/v1\n" ‖ field ‖ "\n" ‖ value`;
a pseudonym the first 10 of HMAC-SHA256 over `"narrows/pseudonym/v1\n" ‖ scope ‖ "\n" ‖ value`, in
base32, lower case.
"""

import hmac
import os
import stat
from base64 import b32encode
from collections.abc import Callable
from pathlib import Path

from narrows.errors import BadFederation
from narrows.store.files import FOLDER_MODE, DiskFiles

SECRET_BYTES = 32
TOKEN_BYTES = 16
_PSEUDONYM_BYTES = 10
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_secret(folder: Path, year: int, random: Callable[[int], bytes] = os.urandom) -> None:
    """Nothing, when the folder durably holds a secret of that year; one that is there is kept.

    Raises: BadFederation where it cannot be written.
    """
    path = _path(folder, year)
    if path.exists():
        return
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        DiskFiles(folder).replace(path.name, f"{random(SECRET_BYTES).hex()}\n".encode())
    except OSError as cause:
        raise BadFederation("the secret cannot be written", file=str(path)) from cause


class Secrets:
    """The secrets in one folder: those that are there are read at once, a new year's is made then."""

    def __init__(self, folder: Path) -> None:
        """Raises: BadFederation where the folder holds none, or one that others could read."""
        self._folder = folder
        years = self.years()
        if not years:
            raise BadFederation(
                "the holder has no secret for its tokens",
                hint="`narrows up` makes one; an earlier one must be restored",
                file=str(folder),
            )
        self._keys = {year: _load(_path(folder, year)) for year in years}

    def years(self) -> tuple[int, ...]:
        """The years of which there is a secret, ascending."""
        names = (path.stem for path in self._folder.glob("*.key"))
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def token(self, year: int) -> Callable[[str, str], bytes]:
        """What makes the tokens of that year: field, value -> 16 bytes."""
        key = self._key(year)

        def token(field: str, value: str) -> bytes:
            return _mac(key, "token", field, value)[:TOKEN_BYTES]

        return token

    def pseudonym(self, scope: str, value: str) -> str:
        """The word that stands for the value: 16 letters and digits; a `core` `Pseudonym`.

        Needs: a scope that `core/policy/bind.py` made, `member/purpose/period/column`.
        """
        year = scope.split("/")[2][:4]
        word = _mac(self._key(int(year)), "pseudonym", scope, value)[:_PSEUDONYM_BYTES]
        return b32encode(word).decode("ascii").lower()

    def _key(self, year: int) -> bytes:
        """The secret of the year. A new year begins while the node runs: its secret is made then.

        Raises: BadFederation for a year past that has none: made now, it would be another one.
        """
        found = self._keys.get(year)
        if found is None:
            if year < max(self._keys):
                raise BadFederation(
                    "the holder has no secret of that year",
                    hint="restore it from a backup",
                    file=str(_path(self._folder, year)),
                )
            make_secret(self._folder, year)
            found = self._keys[year] = _load(_path(self._folder, year))
        return found


def _path(folder: Path, year: int) -> Path:
    return folder / f"{year:04}.key"


def _mac(key: bytes, use: str, field: str, value: str) -> bytes:
    # A field or scope holds no line break, so that no two pairs spell the same message.
    return hmac.digest(key, f"narrows/{use}/v1\n{field}\n{value}".encode(), "sha256")


def _load(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = bytes.fromhex(file.read().decode("ascii").strip())
    except (OSError, ValueError) as cause:
        raise BadFederation("the secret cannot be read", file=str(path)) from cause
    if mode & _OTHERS:
        raise BadFederation(
            "others than its owner can read or write the secret",
            hint="run `chmod 600` on it",
            file=str(path),
        )
    if len(key) != SECRET_BYTES:
        raise BadFederation(f"the secret is not {SECRET_BYTES} bytes long", file=str(path))
    return key
