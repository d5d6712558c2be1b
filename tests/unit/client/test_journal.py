"""The requester's own list of what it asked."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from narrows.client.journal import Journal
from narrows.errors import LedgerUnavailable
from tests.unit.serving.world import NOW, sign


def test_every_event_is_a_line_of_its_own(tmp_path: Path) -> None:
    request = sign()
    Journal(tmp_path / "requests.jsonl").intent(request, NOW)
    again = Journal(tmp_path / "requests.jsonl")
    again.note(request.id, "failed", NOW + timedelta(seconds=1), "NODE_UNAVAILABLE")
    again.note(request.id, "answered", NOW)
    lines = [json.loads(one) for one in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert [one["event"] for one in lines] == ["intent", "failed", "answered"]
    assert {one["request"] for one in lines} == {request.id}
    assert lines[0]["header"].encode() == request.header
    assert lines[1]["reason"] == "NODE_UNAVAILABLE"
    assert lines[1]["time"] == "2026-06-01T12:00:01+00:00"
    assert "reason" not in lines[2]


def test_it_holds_commitments_and_no_value(tmp_path: Path) -> None:
    Journal(tmp_path / "requests.jsonl").intent(sign(), NOW)
    text = (tmp_path / "requests.jsonl").read_text()
    assert "ZZ123456" not in text
    assert "O-4471" not in text
    assert "SELECT" not in text


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    Journal(tmp_path / "requests.jsonl").intent(sign(), NOW)
    assert stat.S_IMODE((tmp_path / "requests.jsonl").stat().st_mode) == 0o600


def test_a_disk_that_refuses_stops_the_request(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="mend the disk"):
        Journal(tmp_path / "no folder" / "requests.jsonl").intent(sign(), NOW)
