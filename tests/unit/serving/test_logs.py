"""Log lines are JSON, and hold the class of an exception and never its text."""

import json
import logging
import sys

from narrows.serving.logs import JsonLines


def _record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    error = None
    if failed:
        try:
            raise ValueError("Tremblay")
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("narrows", logging.WARNING, "a.py", 1, message, arguments, error)


def test_a_line_says_when_where_and_what() -> None:
    line = json.loads(JsonLines("narrows.nsor").format(_record("an é of %s", "nsor")))
    assert line["service"] == "narrows.nsor"
    assert (line["level"], line["message"]) == ("warning", "an é of nsor")
    assert line["time"].endswith("+00:00")
    assert "error" not in line


def test_the_text_of_an_exception_is_left_out() -> None:
    line = JsonLines("narrows.nsor").format(_record("it failed", failed=True))
    assert json.loads(line)["error"] == "ValueError"
    assert "Tremblay" not in line
    assert "\n" not in JsonLines("x").format(_record("two\nlines"))
