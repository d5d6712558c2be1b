"""Work that is counted instead of timed: the same on every machine, however busy."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

MOST_CALLS = 500_000
"""Of Python and of C: what a refusal may take, whatever is refused; about half a second."""
WITHOUT_END = "SELECT " + "date(1, " * 22 + "1" + ")" * 22
"""What is read in four million ways where nobody counts them."""


class TooMuchWork(BaseException):
    """Not an `Exception`: no code under test may take it for one of its own."""


class Meter:
    """How many functions were called, of Python and of C."""

    def __init__(self, most: int) -> None:
        self.calls, self._most = 0, most

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Counts. Raises: TooMuchWork at once where that is too many."""
        if event in ("call", "c_call"):
            self.calls += 1
            if self.calls > self._most:
                sys.setprofile(None)
                raise TooMuchWork


@contextmanager
def metered(most: int) -> Iterator[Meter]:
    """A meter of what is done within. Raises: TooMuchWork for more than `most` calls."""
    meter, before = Meter(most), sys.getprofile()
    sys.setprofile(meter)
    try:
        yield meter
    finally:
        sys.setprofile(before)
