"""What a requester keeps of its own requests, so that a gateway which drops one is found out.

JSON lines, one an event: `{"event": "intent", "request": …, "time": …, "header": …}` before a
request is sent, and `answered`, `acknowledged` or `failed` after. A header holds commitments only.
"""

import json
import os
from datetime import datetime
from pathlib import Path

from narrows.core.request import SignedRequest
from narrows.core.terms import RequestId
from narrows.errors import LedgerUnavailable


class Journal:
    """One file that only grows; safe for one process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def intent(self, request: SignedRequest, time: datetime) -> None:
        """Nothing, when it is durable that this request is about to be sent.

        Raises: LedgerUnavailable: then it must not be sent.
        """
        self._write(request.id, "intent", time, header=request.header.decode())

    def note(self, request: RequestId, event: str, time: datetime, reason: str = "") -> None:
        """Nothing, when what became of the request is durable. Raises: LedgerUnavailable."""
        self._write(request, event, time, **({"reason": reason} if reason else {}))

    def _write(self, request: RequestId, event: str, time: datetime, **more: str) -> None:
        line = {"event": event, "request": request, "time": time.isoformat(), **more}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, (json.dumps(line, sort_keys=True) + "\n").encode())
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as cause:
            raise LedgerUnavailable(
                "the requester's own journal cannot be written",
                hint=f"mend the disk that holds {self._path}",
            ) from cause
