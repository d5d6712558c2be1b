"""The folder of a running federation: what lies where, written and read."""

import json
from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.local.state import GATEWAY, Place, Running, State

RUNNING = Running(
    federation="canada",
    folder="/somewhere/canada",
    scale="tiny",
    seed=7,
    root_key="ab" * 32,
    addresses={"vpd": "127.0.0.1:3", GATEWAY: "127.0.0.1:1", "nsor": "127.0.0.1:2"},
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path)
    found.write(RUNNING)
    return found


def test_what_runs_comes_back(state: State) -> None:
    assert state.read() == RUNNING
    assert [one.name for one in state.folder.iterdir()] == ["state.json"]


def test_where_nothing_was_brought_up_it_says_how(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="narrows up") as caught:
        State(tmp_path / "none").read()
    assert caught.value.file == str(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"federation": "canada"}', "7"])
def test_a_damaged_file_is_told(state: State, text: str) -> None:
    (state.folder / "state.json").write_text(text)
    with pytest.raises(BadFederation, match="cannot be read"):
        state.read()


def test_a_field_that_is_unknown_is_told(state: State) -> None:
    path = state.folder / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": 1}))
    with pytest.raises(BadFederation, match="cannot be read"):
        state.read()


def test_the_gateway_comes_first_then_the_nodes_by_name(state: State) -> None:
    places = state.places(RUNNING)
    assert [(one.name, one.role, one.address) for one in places] == [
        ("gateway", "gateway", "127.0.0.1:1"),
        ("nsor", "node", "127.0.0.1:2"),
        ("vpd", "node", "127.0.0.1:3"),
    ]
    assert places[0].home == state.folder / "gateways" / "gateway"
    assert places[1].home == state.folder / "members" / "nsor"
    assert len({one.pid_file for one in places} | {one.settings for one in places}) == 6


def test_a_process_is_found_by_name(state: State) -> None:
    assert state.place("nsor") == Place("nsor", "node", "127.0.0.1:2", state.member("nsor"))
    with pytest.raises(BadFederation, match="one of gateway, nsor, vpd"):
        state.place("nobody")
