"""The highest number that a process has ever seen of something that must not go back.

One small file with one number: a directory's epoch, a policy's version.
"""

import os
from pathlib import Path

from narrows.errors import BadFederation, LedgerUnavailable


def read_seen(path: Path) -> int:
    """The number in the file; 0 where there is none. Raises: BadFederation for anything else."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as cause:
        raise BadFederation("the file cannot be read", file=str(path)) from cause
    if not text.strip().isdecimal():
        message = "the file does not hold a number"
        raise BadFederation(message, hint="restore it from a backup", file=str(path))
    return int(text)


def write_seen(path: Path, number: int) -> None:
    """Nothing, when the number is durable. Raises: LedgerUnavailable where the disk refuses."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("w", encoding="ascii") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as cause:
        raise LedgerUnavailable(
            "what was seen cannot be written down", hint="mend the disk and start the process anew"
        ) from cause
