"""What does not start, and what it says; what changes while a federation runs."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from narrows.local.state import GATEWAY, State
from narrows.local.up import Wanted, bring_up
from tests.system.processes import LIBRARY, Running, copy_of, outcomes, replace_in, running

pytestmark = pytest.mark.system


def serve(federation: Running, name: str, **environment: str) -> str:
    """The last line that a process says which does not start."""
    place = federation.place(name)
    command = [sys.executable, "-m", "narrows.cli.main", place.role, "serve", str(place.settings)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 1, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """A federation of its own folder that was brought up once, and stopped."""
    base = tmp_path_factory.mktemp("stopped")
    with running(copy_of(LIBRARY, base / "library"), base / "state") as found:
        assert outcomes(found.ask())
    return found


BROKEN = {
    "a settings file with an unknown key": (
        "state/members/harbour/settings.yaml",
        'member: "harbour"',
        'member: "harbour"\nlisen: "127.0.0.1:1"',
        ("settings.yaml:", "lisen", "listen"),
    ),
    "a policy that is not signed": (
        "library/members/harbour/policy.yaml",
        "first 3",
        "first 6",
        ("policy of `harbour`", "did not sign this text", "narrows up"),
    ),
    "a policy with an unknown key": (
        "library/members/harbour/policy.yaml",
        "agreements:",
        "agreement:",
        ("policy.yaml:", "`agreement`"),
    ),
    "a mapping that the database does not take": (
        "library/members/harbour/mapping.yaml",
        "FROM readers",
        "FROM raeders",
        ("members/harbour/mapping.yaml:", "`patron`", "against the database"),
    ),
    "a mapping that names no relation": (
        "library/members/harbour/mapping.yaml",
        "  loan:",
        "  lone:",
        ("mapping.yaml:", "lone"),
    ),
    "a catalog that was changed": (
        "library/catalog.yaml",
        "version: 1",
        "version: 2",
        ("catalog.yaml", "another catalog"),
    ),
    "a directory that was changed": (
        "state/directory.json",
        '"epoch":1',
        '"epoch":7',
        ("directory is not signed by the federation's root key",),
    ),
    "a key that others can read": (
        "state/members/harbour/ledger.key",
        "",
        "",
        ("ledger.key", "chmod 600"),
    ),
    "a ledger's key of somebody else": (
        "state/members/harbour/tls.key",
        "BEGIN PRIVATE KEY",
        "BEGIN PUBLIC KEY",
        ("cannot listen",),
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_node_with_something_broken_does_not_start_and_says_what(
    stopped: Running, file: str, old: str, new: str, words: tuple[str, ...]
) -> None:
    path = stopped.folder.parent / file
    before, mode = path.read_bytes(), path.stat().st_mode
    try:
        if old:
            replace_in(path, old, new)
        else:
            path.chmod(0o644)
        line = serve(stopped, "harbour")
        assert line.startswith("narrows: "), line
        for word in words:
            assert word in line, line
    finally:
        path.write_bytes(before)
        path.chmod(mode)


def test_a_node_without_its_database_does_not_start(stopped: Running) -> None:
    database = stopped.state.data / "harbour.duckdb"
    moved = database.rename(database.with_suffix(".moved"))
    try:
        assert "database of the node is missing" in serve(stopped, "harbour")
    finally:
        moved.rename(database)


def test_the_environment_overrides_and_its_slips_are_named(stopped: Running) -> None:
    assert "NARROWS_STOP_S" in serve(stopped, "harbour", NARROWS_STOP_S="soon")
    line = serve(stopped, "harbour", NARROWS_DATABASE="/nowhere.duckdb")
    assert "/nowhere.duckdb" in line


def test_a_ledger_that_was_changed_keeps_its_node_from_serving(stopped: Running) -> None:
    path = stopped.place("harbour").home / "ledger" / "entries"
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"riverside", b"riverbank", 1))
        assert "narrows: " in serve(stopped, "harbour")
    finally:
        path.write_bytes(before)


def test_an_older_policy_and_an_older_directory_are_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = tmp_path_factory.mktemp("older")
    folder = copy_of(LIBRARY, base / "library")
    policy = folder / "members" / "harbour" / "policy.yaml"
    with running(folder, base / "state") as found:
        directory = found.state.directory.read_bytes()
        found.down()
        replace_in(policy, "version: 1", "version: 2")
        # Another address makes a directory of a higher epoch.
        replace_in(
            found.state.folder / "state.json",
            found.place("harbour").address,
            "127.0.0.1:1",
        )
        found.up()
        assert found.ask_until_answered("harbour").is_whole
        found.down("harbour")
        replace_in(policy, "version: 2", "version: 1")
        with pytest.raises(Exception, match="version 2 was served before"):
            found.up()
        replace_in(policy, "version: 1", "version: 2")
        found.up()
        found.state.directory.write_bytes(directory)
        found.down("harbour")
        assert "epoch 2 was seen before" in serve(found, "harbour")


def test_a_node_under_a_new_policy_is_followed_by_the_gateway(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = tmp_path_factory.mktemp("policy")
    folder = copy_of(LIBRARY, base / "library")
    policy = folder / "members" / "harbour" / "policy.yaml"
    with running(folder, base / "state") as found:
        assert _postal_of_harbour(found) == "B3H"
        process = found.pid("harbour")
        replace_in(policy, "version: 1", "version: 2")
        replace_in(policy, "postal_code: first 3", "postal_code: first 1")
        # Signs the text, and starts nothing: everything runs already.
        found.up()

        async def until_followed() -> str:
            async with asyncio.timeout(30):
                while True:
                    answer = await found.ask_async()
                    # No question in between was turned away: each was decided under one of them.
                    assert answer.is_whole
                    rows = [r for r in answer.table.to_pylist() if r["holder"] == "harbour"]
                    if rows[0]["postal_code"] != "B3H":
                        return str(rows[0]["postal_code"])

        assert asyncio.run(until_followed()) == "B"
        assert found.pid("harbour") == process
        # A third one, whose signature is none of this text: what was in force stays so.
        replace_in(policy, "version: 2", "version: 3")
        time.sleep(3)
        assert _postal_of_harbour(found) == "B"
        log = found.place("harbour").log.read_text()
        assert "a policy is not taken" in log
        found.down("harbour")
        found.up()
        assert found.ask_until_answered("harbour").is_whole


def _postal_of_harbour(found: Running) -> str:
    rows = found.ask().table.to_pylist()
    return next(str(row["postal_code"]) for row in rows if row["holder"] == "harbour")


def test_up_names_what_did_not_start_and_stops_the_rest(tmp_path: Path) -> None:
    folder = copy_of(LIBRARY, tmp_path / "library")
    replace_in(folder / "members" / "hilltop" / "mapping.yaml", "FROM LOANS", "FROM LENDINGS")
    state = State(tmp_path / "state")
    with pytest.raises(Exception, match=r"`hilltop` did not start.*mapping of `loan`"):
        bring_up(state, Wanted(folder), lambda _: None)
    assert not list(state.folder.glob("*/*/process.json"))
    assert GATEWAY in state.read().addresses
