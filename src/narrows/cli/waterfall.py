"""The spans of one request as a waterfall, from the local stores of all processes."""

from collections.abc import Mapping, Sequence

from narrows.cli.show import console
from narrows.local.state import State
from narrows.telemetry.setup import read_spans

WIDTH = 40


def read_all_spans(state: State, trace_id: str) -> list[dict[str, object]]:
    """The spans of one trace in every process's local store; none for no trace id."""
    files = [
        *state.folder.glob("gateways/*/spans.jsonl"),
        *state.folder.glob("members/*/spans.jsonl"),
    ]
    return [span for file in files if trace_id for span in read_spans(file, trace_id)]


def print_waterfall(spans: Sequence[Mapping[str, object]]) -> None:
    """Print one line a span: which process, which step, when in the whole, how long."""
    if not spans:
        console().print("no spans of this request are in the local stores")
        return
    first = min(_number(span["start_us"]) for span in spans)
    last = max(_number(span["end_us"]) for span in spans)
    whole = max(1, last - first)
    depths = _depths(spans)
    ordered = sorted(spans, key=lambda span: (_number(span["start_us"]), depths[str(span["span"])]))
    for span in ordered:
        start, end = _number(span["start_us"]) - first, _number(span["end_us"]) - first
        begin = round(start / whole * WIDTH)
        length = max(1, round((end - start) / whole * WIDTH))
        bar = " " * min(begin, WIDTH - 1) + "█" * min(length, WIDTH - min(begin, WIDTH - 1))
        name = "  " * depths[str(span["span"])] + str(span["name"]).removeprefix("narrows.")
        mark = "" if span["ok"] else " failed"
        service = str(span["service"]).removeprefix("narrows.")
        console().print(
            f"{service:<10} {name:<26} {bar:<{WIDTH}} {(end - start) / 1000:8.2f} ms{mark}",
            markup=False,
        )


def _depths(spans: Sequence[Mapping[str, object]]) -> dict[str, int]:
    parents = {str(span["span"]): str(span["parent"] or "") for span in spans}
    found: dict[str, int] = {}
    for span in parents:
        depth, at = 0, span
        while (parent := parents.get(at, "")) in parents and depth < len(parents):
            depth, at = depth + 1, parent
        found[span] = depth
    return found


def _number(value: object) -> int:
    return int(str(value))
