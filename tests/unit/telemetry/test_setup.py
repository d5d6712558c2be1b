"""Spans: which step took how long and failed why, and no text of any error."""

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from narrows.errors import CheckFailed
from narrows.telemetry.names import Attribute, Step
from narrows.telemetry.setup import (
    Telemetry,
    parent_from,
    read_spans,
    read_steps,
    start_telemetry,
    trace_id_of,
    traceparent_of,
)


def written(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "spans.jsonl").read_text().splitlines()]


def started(folder: Path) -> Telemetry:
    return start_telemetry("narrows.nsor", folder)


def test_a_step_is_a_span_with_its_parent_and_holder(tmp_path: Path) -> None:
    telemetry = started(tmp_path)
    with telemetry.step(Step.ASK) as ask, telemetry.step(Step.EXCHANGE, holder="nsor") as inner:
        inner.set_attribute(Attribute.ROW_COUNT, 3)
        trace_id = trace_id_of(ask)
    telemetry.close()
    spans = read_spans(tmp_path / "spans.jsonl", trace_id)
    assert [one["name"] for one in spans] == ["narrows.gateway.ask", "narrows.exchange"]
    assert spans[0]["parent"] is None
    assert spans[1]["parent"] == spans[0]["span"]
    assert spans[1]["attributes"] == {"narrows.holder": "nsor", "narrows.row_count": 3}
    assert {one["service"] for one in spans} == {"narrows.nsor"}
    assert all(one["ok"] for one in spans)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CheckFailed("Tremblay", hint="M4C1B5", metadata={"x": "ZZ123456"}), "CHECK_FAILED"),
        (ValueError("Tremblay, M4C1B5, ZZ123456"), None),
    ],
)
def test_a_failed_step_holds_its_reason_and_no_text(
    tmp_path: Path, error: Exception, reason: str | None
) -> None:
    telemetry = started(tmp_path)
    with pytest.raises(type(error)), telemetry.step(Step.ASK), telemetry.step(Step.MERGE):
        raise error
    telemetry.close()
    text = (tmp_path / "spans.jsonl").read_text()
    for value in ("Tremblay", "M4C1B5", "ZZ123456", "Traceback", "exception"):
        assert value not in text
    for one in written(tmp_path):
        assert one["ok"] is False
        attributes = one["attributes"]
        assert isinstance(attributes, dict)
        assert attributes.get("narrows.error_reason") == reason


def test_a_collector_gets_no_text_of_an_error_either() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    telemetry = Telemetry(provider)
    for error in (ValueError("Tremblay"), CheckFailed("Tremblay")):
        with pytest.raises(type(error)), telemetry.step(Step.ASK):
            raise error
    telemetry.close()
    for span in kept.get_finished_spans():
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert span.events == ()
        assert "Tremblay" not in span.to_json()


def test_a_trace_goes_on_in_another_process(tmp_path: Path) -> None:
    gateway, node = started(tmp_path), start_telemetry("narrows.osor", tmp_path)
    with gateway.step(Step.EXCHANGE) as span:
        carried = traceparent_of(span)
        parent = parent_from(carried)
        with node.step(Step.ANSWER, parent=parent) as other:
            assert trace_id_of(other) == trace_id_of(span)
    gateway.close()
    node.close()
    exchange, answer = read_spans(tmp_path / "spans.jsonl", trace_id_of(span))
    assert answer["parent"] == exchange["span"]
    assert carried.split("-")[1] == exchange["trace"]


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "-",
        "00-ab",
        "00-zz-zz-01",
        "00--00f067aa0ba902b7-01",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-" + "ab" * 16 + "-" + "0" * 16 + "-01",
        "00-" + "ab" * 16 + "-00f067aa0ba902b7-01-more",
        "00-" + "ab" * 40 + "-00f067aa0ba902b7-01",
        "00--" + "ab" * 16 + "-00f067aa0ba902b7",
        "SELECT 1 - 2 - 3 - 4",
    ],
)
def test_what_is_no_traceparent_names_nobody(garbage: str) -> None:
    assert parent_from(garbage) is None


def test_a_trace_id_leads_to_its_own_spans_alone(tmp_path: Path) -> None:
    telemetry = started(tmp_path)
    with telemetry.step(Step.ASK) as one:
        pass
    with telemetry.step(Step.ASK) as other:
        other.set_attribute(Attribute.OUTCOME, trace_id_of(one))
    telemetry.close()
    path = tmp_path / "spans.jsonl"
    assert [span["trace"] for span in read_spans(path, trace_id_of(one))] == [trace_id_of(one)]
    assert read_spans(path, "ab" * 16) == []
    assert read_spans(tmp_path / "none.jsonl", trace_id_of(one)) == []


def test_spans_are_read_in_order_of_their_start(tmp_path: Path) -> None:
    lines = [
        {"trace": "ab", "start_us": 5, "end_us": 6, "name": "b"},
        {"trace": "ab", "start_us": 1, "end_us": 9, "name": "c"},
        {"trace": "ab", "start_us": 1, "end_us": 2, "name": "a"},
    ]
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert [one["name"] for one in read_spans(path, "ab")] == ["a", "c", "b"]


def test_steps_are_read_by_service_and_name_since_a_time(tmp_path: Path) -> None:
    def line(service: str, name: str, start_us: int, end_us: int) -> str:
        found = {"service": service, "name": name, "start_us": start_us, "end_us": end_us}
        return json.dumps(found) + "\n"

    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text(line("a", "x", 9, 10) + line("a", "x", 10, 500_010) + line("a", "y", 11, 12))
    two.write_text(line("a", "x", 20, 1_500_020) + line("b", "x", 20, 20))
    assert read_steps([one, two], 10) == {
        ("a", "x"): [0.5, 1.5],
        ("a", "y"): [0.000001],
        ("b", "x"): [0.0],
    }


def test_spans_that_cannot_be_written_are_dropped(tmp_path: Path) -> None:
    telemetry = start_telemetry("narrows.nsor", tmp_path / "no folder")
    with telemetry.step(Step.ASK):
        pass
    telemetry.close()
    assert not (tmp_path / "no folder").exists()


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    telemetry = start_telemetry("narrows.nsor", None)
    with telemetry.step(Step.ASK) as span:
        assert len(trace_id_of(span)) == 32
    telemetry.close()
    assert list(tmp_path.iterdir()) == []
