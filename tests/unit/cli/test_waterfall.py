"""Spans of one request from the stores of several processes, drawn in order."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from narrows.cli.waterfall import print_waterfall, read_all_spans
from narrows.local.state import State

TRACE = "ab" * 16


def span(
    name: str, start_us: int, end_us: int, parent: str | None = None, **more: object
) -> dict[str, object]:
    return {
        "trace": TRACE, "span": name, "parent": parent, "name": f"narrows.{name}",
        "service": "narrows.gateway", "start_us": start_us, "end_us": end_us, "ok": True, **more,
    }  # fmt: skip


def drawn(folder: Path, capsys: pytest.CaptureFixture[str], *stores: Sequence[object]) -> list[str]:
    """What is drawn of the spans in the stores of a gateway and of nodes."""
    for number, spans in enumerate(stores):
        home = folder / ("members" if number else "gateways") / f"p{number}"
        home.mkdir(parents=True)
        text = "".join(json.dumps(one) + "\n" for one in spans)
        (home / "spans.jsonl").write_text(text)
    print_waterfall(read_all_spans(State(folder), TRACE))
    return capsys.readouterr().out.splitlines()


def test_steps_stand_in_order_under_their_parents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = [span("exchange", 2_000, 9_000, "ask"), span("ask", 1_000, 11_000)]
    node = [
        span("answer", 3_000, 8_000, "exchange", service="narrows.nsor", ok=False),
        span("other", 0, 99_000, trace="cd" * 16),
    ]
    lines = drawn(tmp_path, capsys, gateway, node)
    assert [line.split()[:2] for line in lines] == [
        ["gateway", "ask"],
        ["gateway", "exchange"],
        ["nsor", "answer"],
    ]
    assert "10.00 ms" in lines[0]
    assert "    answer" in lines[2]
    assert lines[2].endswith("5.00 ms failed")
    bars = [(line.index("█"), line.count("█")) for line in lines]
    assert [length for _, length in bars] == [40, 28, 20]
    assert [start - bars[0][0] for start, _ in bars] == [0, 4, 8]


def test_a_span_that_is_shorter_than_a_mark_is_still_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spans = [span("ask", 0, 10_000), span("outcome", 10_000, 10_000, "ask")]
    lines = drawn(tmp_path, capsys, spans)
    assert [line.count("█") for line in lines] == [40, 1]


def test_a_span_that_takes_no_time_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(drawn(tmp_path, capsys, [span("ask", 5, 5)])) == 1


def test_parents_in_a_circle_do_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spans = [span("a", 0, 1_000, "b"), span("b", 0, 1_000, "a")]
    assert len(drawn(tmp_path, capsys, spans)) == 2


def test_where_there_are_none_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn(tmp_path, capsys) == ["no spans of this request are in the local stores"]
    assert read_all_spans(State(tmp_path), "") == []
