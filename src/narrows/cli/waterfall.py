"""The spans of one request as a waterfall, from the local stores of all processes."""

from collections.abc import Iterable
from pathlib import Path

from narrows.cli.show import console
from narrows.telemetry.setup import read_spans

WIDTH = 40


def print_waterfall(files: Iterable[Path], trace_id: str) -> None:
    """Print one line a span: which process, which step, when in the whole, how long."""
    spans = [span for file in files for span in read_spans(file, trace_id)]
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


def _depths(spans: list[dict[str, object]]) -> dict[str, int]:
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
