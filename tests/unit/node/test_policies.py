"""The versions that a node serves: followed while it runs, forward only, each signed."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from narrows.core.catalog import Catalog
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.publishing import encode_published, policy_bytes
from narrows.core.terms import Holder
from narrows.errors import BadFederation
from narrows.node.policies import Policies, Sources, keep_version
from narrows.store.seen import read_seen
from tests.unit.serving.world import (
    CATALOG,
    NOW,
    NSOR,
    OSOR,
    POLICY_KEYS,
    directory,
    policy_of,
    policy_text,
    published,
)

TODAY = date(2026, 6, 1)


@dataclass
class Home:
    """A node's files, and a clock that stands still unless it is told."""

    folder: Path
    now: datetime = NOW
    sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        home = self.folder / "home"
        home.mkdir()
        self.sources = Sources(NSOR, self.folder / "policy.yaml", home)

    def put(self, text: bytes, path: Path | None = None) -> None:
        (path or self.sources.text).write_bytes(text)

    def sign(self, text: bytes, holder: Holder = NSOR) -> None:
        signature = POLICY_KEYS[holder].sign(policy_bytes(text))
        self.sources.signature.write_text(signature.hex() + "\n")

    def publish(self, version: int, effective: str = "2026-01-01") -> bytes:
        found = of(version, effective)
        self.put(found)
        self.sign(found)
        return found

    def open(self) -> Policies:
        return Policies(self.sources, CATALOG, directory, lambda: self.now)

    def later(self) -> None:
        self.now += timedelta(seconds=2)


def of(version: int, effective: str = "2026-01-01") -> bytes:
    text = policy_text(NSOR, version)
    return text.replace(b"effective: 2026-01-01", f"effective: {effective}".encode())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.publish(3)
    return found


def test_a_newer_version_is_served_without_a_restart(home: Home) -> None:
    policies = home.open()
    assert policies.on(TODAY) == policy_of(NSOR, 3)
    assert policies.newest() == published(NSOR, 3)
    home.publish(4)
    # Not at every look: files are read again every two seconds.
    assert policies.on(TODAY).version == 3
    home.later()
    assert policies.on(TODAY).version == 4
    assert policies.newest() == published(NSOR, 4)
    assert home.open().on(TODAY).version == 4


def test_a_version_to_come_is_served_beside_the_one_in_force(home: Home) -> None:
    policies = home.open()
    home.publish(4, "2026-07-01")
    home.later()
    assert [policies.on(day).version for day in (TODAY, date(2026, 7, 1))] == [3, 4]
    assert policies.newest().version == 4
    assert policies.others() == (published(NSOR, 3),)
    # Also by another process, when only the newest text is left.
    again = home.open()
    assert [again.on(day).version for day in (TODAY, date(2026, 7, 1))] == [3, 4]
    assert again.others() == (published(NSOR, 3),)
    home.now += timedelta(days=32)
    assert again.on(date(2026, 7, 3)).version == 4
    assert again.others() == ()


def test_on_the_day_after_the_version_of_the_day_before_is_told_still(home: Home) -> None:
    """A request of just before midnight is decided under the version of its day."""
    policies = home.open()
    home.publish(4, "2026-06-02")
    home.now += timedelta(hours=20)
    assert policies.others() == (published(NSOR, 3),)


def test_an_older_version_is_never_taken(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    policies = home.open()
    home.publish(2)
    home.later()
    assert policies.on(TODAY).version == 3
    assert "version 3 was served before" in caplog.text
    with pytest.raises(BadFederation, match="version 3 was served before"):
        home.open()


def test_another_text_under_the_same_version_is_never_taken(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    policies = home.open()
    text = of(3) + b"# more\n"
    home.put(text)
    home.sign(text)
    home.later()
    assert policies.newest() == published(NSOR, 3)
    assert "another text of that version" in caplog.text
    with pytest.raises(BadFederation, match="another text of that version"):
        home.open()


def test_what_is_not_signed_waits_for_its_signature(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    policies = home.open()
    home.put(of(4))
    for _ in range(3):
        home.later()
        assert policies.on(TODAY).version == 3
    assert caplog.text.count("did not sign this text") == 1
    home.sign(of(4))
    home.later()
    assert policies.on(TODAY).version == 4


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is read as a policy."""
    found: list[str] = []

    def parse(text: str, catalog: Catalog, file: str) -> Policy:
        found.append(text)
        return parse_policy(text, catalog, file)

    monkeypatch.setattr("narrows.node.policies.parse_policy", parse)
    return found


def test_what_is_not_signed_is_not_read(home: Home, parsed: list[str]) -> None:
    policies = home.open()
    home.put(of(4))
    home.later()
    assert policies.on(TODAY).version == 3
    assert of(4).decode() not in parsed
    home.sign(of(4))
    home.later()
    assert policies.on(TODAY).version == 4
    assert of(4).decode() in parsed


@pytest.mark.parametrize("text", [of(2), b"agency: nsor\nversion: 4\n", policy_text(OSOR, 4)])
def test_what_is_signed_and_cannot_be_taken_is_read_once(
    home: Home, parsed: list[str], text: bytes
) -> None:
    policies = home.open()
    home.put(text)
    home.sign(text)
    for _ in range(3):
        home.later()
        assert policies.on(TODAY).version == 3
    assert parsed.count(text.decode()) == 1


@pytest.mark.parametrize(
    ("says", "is_newer"),
    [
        (b"version: 3", False),
        (b"version: 3  # as before", False),
        (b"'version' : '3'", False),
        (b"version: 13  # note", True),
        (b'version: "13"', True),
        (b"version: 13\r", True),
        (b"version: 0x3", True),
        (b"version: 3#", True),
        (b"version:", True),
        (b"{version: 3}", True),
    ],
)
def test_what_may_be_newer_is_not_passed_over(
    home: Home, caplog: pytest.LogCaptureFixture, says: bytes, is_newer: bool
) -> None:
    policies = home.open()
    home.put(of(3), home.sources.home / "policy.yaml")
    home.put(of(3).replace(b"version: 3", says))
    home.later()
    assert policies.on(TODAY).version == 3
    assert ("a policy is not taken" in caplog.text) == is_newer


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home: home.sign(of(4), OSOR),
        lambda home: home.sources.signature.write_text("no digits"),
        lambda home: home.sources.signature.unlink(),
        lambda home: home.put(b"agency: nsor\nversion: 4\n"),
        lambda home: home.put(b"\xff"),
        lambda home: home.sources.text.unlink(),
    ],
)
def test_what_cannot_be_taken_is_logged_and_the_old_one_stays(
    home: Home, caplog: pytest.LogCaptureFixture, spoil: "object"
) -> None:
    policies = home.open()
    home.publish(4)
    assert callable(spoil)
    spoil(home)
    home.later()
    assert policies.on(TODAY).version == 3
    assert "a policy is not taken" in caplog.text
    home.publish(5)
    home.later()
    assert policies.on(TODAY).version == 5


def test_of_the_folders_and_the_published_text_the_signed_one_is_taken(home: Home) -> None:
    policies = home.open()
    home.put(of(4), home.sources.home / "policy.yaml")
    home.later()
    # Between the two writes: the old text is the one that is signed.
    assert policies.on(TODAY).version == 3
    home.sign(of(4))
    home.later()
    assert policies.on(TODAY).version == 4
    assert home.open().on(TODAY).version == 4
    # The operator's own text, newer again.
    home.publish(5)
    home.later()
    assert policies.on(TODAY).version == 5


def test_a_version_that_was_put_there_with_its_signature_is_served(home: Home) -> None:
    home.sources.kept.mkdir()
    (home.sources.kept / "2.json").write_bytes(encode_published(published(NSOR, 2, of(2))))
    home.publish(3, "2026-07-01")
    policies = home.open()
    assert [policies.on(day).version for day in (TODAY, date(2026, 7, 1))] == [2, 3]


def test_before_every_version_the_first_one_decides_and_gives_nothing(home: Home) -> None:
    assert home.open().on(date(2025, 1, 1)).version == 3


@pytest.mark.parametrize(
    "data",
    [b"{}", encode_published(published(OSOR)), encode_published(published(NSOR, 2))[:-1]],
)
def test_a_kept_version_that_is_damaged_keeps_the_node_from_starting(
    home: Home, data: bytes
) -> None:
    home.sources.kept.mkdir()
    (home.sources.kept / "2.json").write_bytes(data)
    with pytest.raises(BadFederation):
        home.open()


def test_without_a_signature_it_does_not_start(home: Home) -> None:
    home.sources.signature.unlink()
    with pytest.raises(BadFederation, match="signature of its policy") as caught:
        home.open()
    assert caught.value.file == str(home.sources.signature)


def test_without_a_policy_it_does_not_start(home: Home) -> None:
    home.sources.text.unlink()
    with pytest.raises(BadFederation, match="the policy is missing"):
        home.open()


def test_a_policy_goes_forward_only(tmp_path: Path) -> None:
    file = tmp_path / "policy.version"
    for version in (1, 1, 3):
        keep_version(file, policy_of(NSOR, version))
        assert read_seen(file) == version
    with pytest.raises(BadFederation, match="version 2, and version 3 was served before") as caught:
        keep_version(file, policy_of(NSOR, 2))
    assert caught.value.file == "members/nsor/policy.yaml"
    assert read_seen(file) == 3
