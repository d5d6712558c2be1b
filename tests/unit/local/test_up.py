"""What is prepared before anything starts: databases, addresses, settings."""

from dataclasses import replace
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

import pytest

from narrows.core.directory import Peer
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.folder.load import Federation, load_folder
from narrows.gateway.settings import GatewaySettings
from narrows.local.state import GATEWAY, Running, State
from narrows.local.up import Wanted, _addresses, _prepare, make_data, peer_of_place, take_down
from narrows.node.settings import NodeSettings
from narrows.serving.settings import read_settings

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
HOLDERS = ("harbour", "hilltop", "riverside")


@pytest.fixture(scope="module")
def library() -> Federation:
    return load_folder(LIBRARY)


@pytest.fixture
def state(tmp_path: Path, library: Federation) -> State:
    """A state whose databases are there already."""
    found = State(tmp_path / "state")
    found.data.mkdir(parents=True)
    for member in library.members.values():
        if member.node is not None:
            (found.data / member.node.database).touch()
    return found


@pytest.fixture
def said() -> list[str]:
    return []


def prepare(state: State, library: Federation, said: list[str]) -> Running:
    return _prepare(state, library, Wanted(LIBRARY), said.append)


def test_every_process_gets_an_address_and_settings_that_it_can_read(
    state: State, library: Federation, said: list[str]
) -> None:
    running = prepare(state, library, said)
    assert state.read() == running
    assert set(running.addresses) == {GATEWAY, *HOLDERS}
    assert len(set(running.addresses.values())) == 4
    for name in HOLDERS:
        node = read_settings(state.member(name) / "settings.yaml", NodeSettings, {})
        assert (node.member, node.listen) == (name, running.addresses[name])
        assert node.database.parent == state.data.resolve()
        assert node.root_key == running.root_key
        assert node.federation == LIBRARY.resolve()
    gateway = read_settings(state.gateway() / "settings.yaml", GatewaySettings, {})
    assert (gateway.name, gateway.directory) == (GATEWAY, state.directory.resolve())
    assert not any("databases" in line for line in said)


def test_a_second_time_everything_stays(state: State, library: Federation, said: list[str]) -> None:
    first = prepare(state, library, said)
    directory = state.directory.read_bytes()
    assert prepare(state, library, said) == first
    assert state.directory.read_bytes() == directory


def test_an_address_that_somebody_else_has_is_changed(
    state: State, library: Federation, said: list[str]
) -> None:
    first = prepare(state, library, said)
    host, _, port = first.addresses["hilltop"].rpartition(":")
    with socket(AF_INET, SOCK_STREAM) as taken:
        taken.bind((host, int(port)))
        taken.listen()
        second = prepare(state, library, said)
    changed = {name for name in first.addresses if first.addresses[name] != second.addresses[name]}
    assert changed == {"hilltop"}


def test_addresses_differ_from_each_other(state: State) -> None:
    names = [f"m{number}" for number in range(20)]
    assert len(set(_addresses(names, None, state).values())) == 20


def test_a_state_of_another_federation_is_not_taken_over(
    state: State, library: Federation, said: list[str]
) -> None:
    before = prepare(state, library, said)
    state.write(replace(before, federation="canada"))
    with pytest.raises(BadFederation, match="federation `canada`"):
        prepare(state, library, said)


def test_without_generator_and_databases_it_says_where_they_belong(
    tmp_path: Path, library: Federation, said: list[str]
) -> None:
    state = State(tmp_path / "fresh")
    bare = replace(library, generator=None)
    with pytest.raises(BadFederation, match="put them into"):
        prepare(state, bare, said)
    with pytest.raises(BadFederation, match="generator"):
        make_data(bare, "tiny", 7, state, said.append)
    assert not state.directory.exists()


def test_a_name_that_nobody_has_stops_nobody(
    state: State, library: Federation, said: list[str]
) -> None:
    prepare(state, library, said)
    with pytest.raises(BadFederation, match="nothing runs here as `nobody`"):
        take_down(state, said.append, ["hilltop", "nobody"])
    take_down(state, said.append)
    assert not any("stopped" in line for line in said)


def test_a_place_is_known_by_the_name_in_its_certificate(
    state: State, library: Federation, said: list[str]
) -> None:
    places = {one.name: one for one in state.places(prepare(state, library, said))}
    assert peer_of_place(places[GATEWAY], "library") == Peer(
        "library", "gateway", MemberName("gateway")
    )
    assert peer_of_place(places["hilltop"], "library").uri == "narrows://library/member/hilltop"
