"""The versions of a holder's policy that its node serves: read again while it runs, forward only.

The newest is `members/NAME/policy.yaml` of the federation's folder, or `policy.yaml` in the node's
home, whichever `policy.sig` in the home signs; of two, the one of the higher version. Each version
that was taken is kept in the home, as `policies/VERSION.json`, with its signature: those to come,
and the one that a coming version will replace, are served beside it. On each day the highest
version that has come into force decides.

An older version is never taken, nor another text under a version that was: who restores an old
policy widens it, and every ledger cites a policy by its version. What cannot be taken, as a text
whose signature is still to come, is logged; what was in force stays so.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from narrows.core.admission import day_of
from narrows.core.catalog import Catalog
from narrows.core.directory import Directory
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.versions import in_force_or_first
from narrows.core.publishing import (
    PublishedPolicy,
    decode_published,
    encode_published,
    open_policy,
    verify_policy,
)
from narrows.core.terms import Digest, Holder, digest_of
from narrows.errors import BadFederation, LedgerUnavailable
from narrows.store.files import DiskFiles
from narrows.store.keys import verify_signature
from narrows.store.seen import read_seen, write_seen

LOOK_AGAIN = timedelta(seconds=2)
_DAY = timedelta(days=1)
_VERSIONS = re.compile(rb"^[\"']?version[\"']? *:(.*)$", re.MULTILINE)
_NUMBER = re.compile(rb"""\s*["']?(\d{1,9})["']?\s*(?:\s#.*)?""")
_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a holder's policy lies: the text in the federation's folder, and the node's home."""

    holder: Holder
    text: Path
    home: Path

    @property
    def texts(self) -> tuple[Path, ...]:
        """The texts of which `policy.sig` may be the signature."""
        return (self.text, self.home / "policy.yaml")

    @property
    def signature(self) -> Path:
        """The agency's signature of the newest text."""
        return self.home / "policy.sig"

    @property
    def kept(self) -> Path:
        """The folder of versions that were taken."""
        return self.home / "policies"


@dataclass(frozen=True, slots=True)
class _Version:
    policy: Policy
    published: PublishedPolicy


class Policies:
    """Every version that is served; looked for again every two seconds, as calls come."""

    def __init__(
        self,
        sources: Sources,
        catalog: Catalog,
        directory: Callable[[], Directory],
        clock: Callable[[], datetime],
    ) -> None:
        """Raises: BadFederation where no signed text is there, or only an older one."""
        self._sources = sources
        self._catalog = catalog
        self._directory = directory
        self._clock = clock
        self._files = DiskFiles(sources.kept)
        self._known: dict[int, _Version] = {}
        self._again = clock() + LOOK_AGAIN
        self._stamp = self._look()
        self._is_waiting = False
        self._last_read: dict[Path, tuple[Digest, Policy | BadFederation]] = {}
        for published in self._kept():
            self._add(self._opened(published))
        self._take(self._newest())

    def on(self, day: date) -> Policy:
        """The version in force on that day."""
        self._follow()
        return in_force_or_first((one.policy for one in self._known.values()), day)

    def newest(self) -> PublishedPolicy:
        """The highest version, in force or to come."""
        self._follow()
        return self._known[max(self._known)].published

    def others(self) -> tuple[PublishedPolicy, ...]:
        """The other versions that are in force on some day from yesterday on, by version."""
        newest = self.newest()
        yesterday = day_of(self._clock(), self._catalog.zone) - _DAY
        # What is of a lower version than one in force never comes into force any more.
        first = self.on(yesterday).version
        return tuple(
            self._known[version].published
            for version in sorted(self._known)
            if first <= version != newest.version
        )

    def _follow(self) -> None:
        """Nothing; what may be taken of what is there now is served."""
        now = self._clock()
        if now < self._again:
            return
        self._again = now + LOOK_AGAIN
        stamp = self._look()
        is_new, self._stamp = stamp != self._stamp, stamp
        if not (is_new or self._is_waiting):
            return
        self._is_waiting = True
        try:
            self._take(self._newest())
        except (BadFederation, LedgerUnavailable) as error:
            # Looked at again all the same: its signature may come, or its disk be mended.
            if is_new:
                logging.getLogger("narrows").warning("a policy is not taken: %s", error)
            return
        self._is_waiting = False

    def _look(self) -> _Stamp:
        files = (*self._sources.texts, self._sources.signature)
        return tuple(_stamp(path) for path in files)

    def _newest(self) -> _Version:
        """The text of the highest version that the signature is of.

        Raises: BadFederation where there is none, or where one is there that would be newer than
        what is served, and is not signed: it is not passed over in silence.
        """
        signature = self._signature()
        found: list[_Version] = []
        failure: BadFederation | None = None
        for path in self._sources.texts:
            text = self._read(path)
            if text is None:
                continue
            try:
                found.append(self._signed(path, text, signature))
            except BadFederation as error:
                failure = failure or error
                if self._known and _may_be_newer(text, max(self._known)):
                    raise
        if found:
            return max(found, key=lambda one: one.policy.version)
        missing = BadFederation(
            "the policy is missing", hint="restore it", file=str(self._sources.text)
        )
        raise failure or missing

    def _signature(self) -> bytes:
        try:
            return bytes.fromhex(self._sources.signature.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as cause:
            raise BadFederation(
                "the agency's signature of its policy is missing or no hexadecimal text",
                hint="`narrows up` signs policies",
                file=str(self._sources.signature),
            ) from cause

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as cause:
            raise BadFederation("the policy cannot be read", file=str(path)) from cause

    def _signed(self, path: Path, text: bytes, signature: bytes) -> _Version:
        """The version that this text is. Raises: BadFederation."""
        published = PublishedPolicy(self._sources.holder, 0, text, signature)
        # First, because to verify is quick, and questions wait while a long text is read.
        verify_policy(published, self._directory(), verify_signature)
        policy = self._parsed(path, text)
        if policy.agency != published.holder:
            message = f"the policy of another holder is none of `{published.holder}`"
            raise BadFederation(message, file=str(path))
        return _Version(policy, replace(published, version=policy.version))

    def _parsed(self, path: Path, text: bytes) -> Policy:
        """What the text spells; what is looked at again is not read again. Raises: BadFederation."""
        mark = digest_of(text)
        last = self._last_read.get(path)
        if last is None or last[0] != mark:
            last = self._last_read[path] = (mark, self._read_policy(path, text))
        match last[1]:
            case BadFederation() as error:
                # Else each time that it is raised lengthens the traceback that it keeps.
                raise error.with_traceback(None)
            case policy:
                return policy

    def _read_policy(self, path: Path, text: bytes) -> Policy | BadFederation:
        try:
            return parse_policy(text.decode(), self._catalog, str(path))
        except UnicodeDecodeError:
            return BadFederation("the policy is not text in UTF-8", file=str(path))
        except BadFederation as error:
            return error

    def _opened(self, published: PublishedPolicy) -> _Version:
        if published.holder != self._sources.holder:
            message = f"the policy of another holder is none of `{self._sources.holder}`"
            raise BadFederation(message, file=str(self._sources.kept))
        policy = open_policy(published, self._catalog, self._directory(), verify_signature)
        return _Version(policy, published)

    def _kept(self) -> Iterator[PublishedPolicy]:
        """What was taken before, or put there with its signature.

        Raises: BadFederation where one is damaged: without it an older version would be in force.
        """
        for path in sorted(self._sources.kept.glob("*.json")):
            try:
                yield decode_published(path.read_bytes())
            except OSError as cause:
                raise BadFederation("the policy cannot be read", file=str(path)) from cause

    def _add(self, found: _Version) -> None:
        known = self._known.setdefault(found.policy.version, found)
        if known.policy.digest != found.policy.digest:
            raise _is_older(found.policy, "another text of that version was served before")

    def _take(self, found: _Version) -> None:
        """Nothing; the version is served, and remembered for as long as the home lasts."""
        version = found.policy.version
        if self._known and version < max(self._known):
            raise _is_older(found.policy, f"version {max(self._known)} was served before")
        keep_version(self._sources.home / "policy.version", found.policy)
        self._add(found)
        name = f"{version}.json"
        try:
            if self._files.load(name) is None:
                self._sources.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._files.replace(name, encode_published(found.published))
        except OSError as cause:
            raise LedgerUnavailable("the policy cannot be kept", hint="mend the disk") from cause


def _may_be_newer(text: bytes, version: int) -> bool:
    """Whether a text says a higher version, or none that can be read, be it a policy or not."""
    found = [_NUMBER.fullmatch(value) for value in _VERSIONS.findall(text)]
    return not found or any(one is None or int(one[1]) > version for one in found)


def keep_version(file: Path, policy: Policy) -> None:
    """Nothing, unless a higher version, or another text under this one, was served before.

    Raises: BadFederation, LedgerUnavailable.
    """
    seen, digest = read_seen(file), file.with_suffix(".digest")
    said = digest.read_text(encoding="ascii").strip() if digest.exists() else ""
    before = f"version {seen} was served before"
    if policy.version == seen and said not in ("", policy.digest.hex()):
        before = "another text of that version was served before"
    elif policy.version >= seen:
        if (policy.version, policy.digest.hex()) != (seen, said):
            digest.write_text(policy.digest.hex() + "\n", encoding="ascii")
            write_seen(file, policy.version)
        return
    raise _is_older(policy, before)


def _is_older(policy: Policy, before: str) -> BadFederation:
    return BadFederation(
        f"the policy is of version {policy.version}, and {before}",
        hint="give every change of the policy a higher `version`",
        file=f"members/{policy.agency}/policy.yaml",
    )


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (path.name, 0, 0)
    return (path.name, found.st_mtime_ns, found.st_size ^ found.st_ino)
