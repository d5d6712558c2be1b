"""Settings: a file, over which the environment may put single values."""

from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.gateway.settings import GatewaySettings
from narrows.node.settings import NodeSettings
from narrows.serving.settings import read_settings

FILE = """
federation: ../library
home: .
directory: ../directory.json
root_key: "{key}"
listen: 127.0.0.1:7001
member: nsor
database: /data/nsor.duckdb
""".format(key="ab" * 32)


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "nsor" / "settings.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path, text: str = FILE, **environment: str) -> NodeSettings:
    return read_settings(written(folder, text), NodeSettings, environment)


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.federation.resolve() == tmp_path / "library"
    assert found.home.resolve() == tmp_path / "nsor"
    assert found.directory.resolve() == tmp_path / "directory.json"
    assert found.database == Path("/data/nsor.duckdb")
    assert (found.member, found.listen) == ("nsor", "127.0.0.1:7001")
    assert (found.connections, found.calls_per_caller, found.stop_s) == (4, 64, 10.0)


def test_the_environment_is_put_over_the_file(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        NARROWS_LISTEN="0.0.0.0:9",
        NARROWS_CALLS_AT_ONCE="7",
        NARROWS_DATABASE="../other.sqlite",
        NARROWS_NOSUCH="x",
        LISTEN="ignored",
    )
    assert (found.listen, found.calls_at_once) == ("0.0.0.0:9", 7)
    assert found.database.resolve() == tmp_path / "other.sqlite"
    assert found.member == "nsor"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NARROWS_CALLS_AT_ONCE", "0"),
        ("NARROWS_CALLS_AT_ONCE", "many"),
        ("NARROWS_ROOT_KEY", "ab"),
        ("NARROWS_MEMBER", "Nsor"),
        ("NARROWS_STOP_S", "-1"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadFederation, match=f"`{name}`"):
        read(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FILE + "colour: red\n", 9),
        (FILE.replace("listen: ", "listens: "), 6),
        (FILE.replace('"abab', '"zzab'), 5),
        (FILE + "connections: 0\n", 9),
        (FILE + "calls_per_caller: many\n", 9),
    ],
)
def test_a_slip_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(BadFederation) as caught:
        read(tmp_path, text)
    assert (caught.value.file, caught.value.line) == (str(written(tmp_path, text)), line)


def test_a_missing_value_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="member"):
        read(tmp_path, FILE.replace("member: nsor\n", ""))


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="missing"):
        read_settings(tmp_path / "none.yaml", NodeSettings, {})
    path = written(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadFederation, match="UTF-8"):
        read_settings(path, NodeSettings, {})


def test_a_gateway_has_a_name_unless_it_is_given_another(tmp_path: Path) -> None:
    text = FILE.replace("member: nsor\n", "").replace("database: /data/nsor.duckdb\n", "")
    path = written(tmp_path, text)
    assert read_settings(path, GatewaySettings, {}).name == "gateway"
    found = read_settings(path, GatewaySettings, {"NARROWS_NAME": "east"})
    assert (found.name, found.merge_workers) == ("east", 2)
