"""The published cubes of a node: built when its operator asks, and shown as they were built.

An edition is written to disk, entered in the ledger by its digest, and shown from then on until the
next: the last entry of a cube says which one is current. Cubes of one relation are about the same
people, whatever they are called: an edition is compared with the last one of any of its relations,
and the noise of all of them in a year is paid from one budget, summed over the ledger's entries, so
that a restart forgets nothing.
"""

import asyncio
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import takewhile
from threading import Event

from narrows.core.admission import day_of
from narrows.core.catalog import Catalog
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.ledger.parts import EditionBuilt, draft
from narrows.core.ledger.receipt import Receipt
from narrows.core.policy.bind import bind_cube
from narrows.core.policy.bound import BoundFragment, Edition
from narrows.core.policy.cubes import Earlier, Noise, draw, freeze, layout_of, tally
from narrows.core.policy.definition import definition_of, shape_of, why_unsound
from narrows.core.policy.edition import (
    CubeEdition,
    Making,
    check_units,
    decode_edition,
    decode_private,
    encode_private,
    expand,
    make_edition,
)
from narrows.core.policy.finish import check_cap, give_rows
from narrows.core.policy.model import Cube, Policy
from narrows.core.terms import Digest, RelationName, Scalar, digest_of
from narrows.engines.protocol import Engine, Reading
from narrows.errors import (
    AnswerTooLarge,
    BadFederation,
    BudgetSpent,
    CheckFailed,
    DisclosureDenied,
    LedgerUnavailable,
    MalformedRequest,
    ProofInvalid,
)
from narrows.node.compile import compile_bound, types_in
from narrows.store.editions import Editions
from narrows.store.ledger import Ledger

BUILD_S = 100.0
MAX_EDITION_BYTES = 4_000_000
_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Built:
    """An edition, and the proof that its holder entered it."""

    edition: CubeEdition
    receipt: Receipt


@dataclass(slots=True)
class Cubes:
    """One holder's cubes; clock, noise and files come in, so that a test can hold them."""

    catalog: Catalog
    policy: Callable[[], Policy]
    mapping: Mapping[RelationName, str]
    engine: Engine
    ledger: Ledger
    editions: Editions
    noise: Noise
    clock: Callable[[], datetime]
    _building: asyncio.Lock = field(default_factory=asyncio.Lock)
    _decoded: dict[Digest, CubeEdition] = field(default_factory=dict)

    async def build(self, name: str, *, is_afresh: bool = False) -> Built:
        """A new edition, durable and entered; it is shown from now on.

        Raises: MalformedRequest for no such cube; BadFederation for one that is not sound, whose
        last edition is gone from the disk, or that cannot be compared with the last edition of its
        relations and is not said to be afresh; BudgetSpent; what the engine raises;
        LedgerUnavailable.
        """
        async with self._building:
            policy = self.policy()
            cube = _named(policy, name)
            for message, hint in why_unsound(policy, self.catalog, cube):
                raise BadFederation(message, hint=hint, line=cube.line)
            self._check_budget(cube)
            self._check_comparable(cube, is_afresh=is_afresh)
            last, same = self._last(name), self._comparable(cube)
            before = await asyncio.to_thread(self._before, same, cube)
            number = 1 if last is None else last.edition.number + 1
            day = day_of(self.clock(), self.catalog.zone)
            bound = bind_cube(policy, self.catalog, cube, day)
            statement = compile_bound(
                bound, self.mapping, self.engine.dialect, types_in(bound, self.catalog)
            )
            reading = await self.engine.run([statement], BUILD_S)
            definition = definition_of(policy, self.catalog, cube)
            making = Making(policy, self.catalog, number, reading.as_of, definition)
            made = await asyncio.to_thread(
                self._make, making, cube, _released(bound, reading.rows[0]), before
            )
            return await self._enter(made, cube, same)

    def current(self, name: str) -> CubeEdition:
        """What is shown of a cube now.

        Raises: DisclosureDenied, alike for everybody, where no edition was built, or the policy in
        force says otherwise of the cube than it did; MalformedRequest for no such cube.
        """
        policy = self.policy()
        cube, last = _named(policy, name), self._last(name)
        if last is None:
            raise DisclosureDenied(
                f"no edition of the cube `{name}` was built yet", hint="ask its holder for one"
            )
        if last.edition.definition != definition_of(policy, self.catalog, cube):
            raise DisclosureDenied(
                f"the policy has changed the cube `{name}`, and no edition was built since",
                hint="ask its holder for one",
            )
        return last.edition

    async def shown(self, name: str) -> Built:
        """The current edition with its receipt. Raises: as `current`."""
        edition, last = self.current(name), self._last(name)
        assert last is not None  # INVARIANT: it is current
        return Built(edition, await self.ledger.receipt(last.index))

    async def read(self, bounds: Sequence[BoundFragment]) -> Reading:
        """The rows that leave for each fragment, of the current editions; no database is read.

        They are as of the oldest of these editions. Made in a thread, which stops when the caller is
        cancelled.
        Raises: DisclosureDenied, as `current`; AnswerTooLarge for more units, of all fragments
        together, than one answer stands for; CheckFailed for a fragment that is not of a cube, and
        for an edition whose file is gone: whoever asks learns nothing of the node's disk.
        """
        try:
            editions = [self.current(_cube_of(bound)) for bound in bounds]
        except (BadFederation, ProofInvalid, LedgerUnavailable) as cause:
            raise CheckFailed("the current edition of a cube cannot be read") from cause
        check_units(editions)
        stop = Event()
        try:
            rows = [
                await asyncio.to_thread(_rows, edition, bound, stop)
                for edition, bound in zip(editions, bounds, strict=True)
            ]
        finally:
            stop.set()
        return Reading(min(edition.as_of for edition in editions), rows)

    def _last(self, name: str) -> "_Entered | None":
        """The last edition that was entered. Raises: BadFederation where its file is another."""
        for index in reversed(self.ledger.entries_of_kind(Kind.EDITION)):
            entry = self.ledger.entry(index)
            if entry.open["cube"] == name:
                return _Entered(index, self._decode(entry))
        return None

    def _decode(self, entry: Entry) -> CubeEdition:
        digest = Digest(bytes.fromhex(str(entry.open["edition"])))
        if digest not in self._decoded:
            cube, number = str(entry.open["cube"]), int(str(entry.open["number"]))
            data = self.editions.public(cube, number)
            if digest_of(data) != digest:
                raise BadFederation(
                    f"the file of edition {number} of `{cube}` is not the one that was entered",
                    hint="restore the folder of editions from a backup",
                )
            self._decoded[digest] = decode_edition(data)
        return self._decoded[digest]

    def _overlapping(self, cube: Cube) -> Iterator[Entry]:
        """The entries of editions of any cube that shares a relation, the last one first."""
        for index in reversed(self.ledger.entries_of_kind(Kind.EDITION)):
            entry = self.ledger.entry(index)
            if set(cube.relations) & _relations(entry):
                yield entry

    def _is_afresh(self, cube: Cube) -> bool:
        """Whether the last edition of its relations is of another shape, hence not comparable."""
        last = next(self._overlapping(cube), None)
        return last is not None and last.open["shape"] != shape_of(cube).hex()

    def _check_comparable(self, cube: Cube, *, is_afresh: bool) -> None:
        if self._is_afresh(cube) and not is_afresh:
            last = next(self._overlapping(cube)).open
            raise BadFederation(
                f"the cube `{cube.id}` counts otherwise than edition {last['number']} of "
                f"`{last['cube']}`, which is of the same relations: beside it, the new one may give "
                "single people away",
                hint="keep unit, relations, rows and dimensions as they were, or say `--afresh`",
                line=cube.line,
            )

    def _comparable(self, cube: Cube) -> "CubeEdition | None":
        """The last edition of the same shape, of whatever name: others may have come since."""
        shape = shape_of(cube).hex()
        found = (one for one in self._overlapping(cube) if one.open["shape"] == shape)
        entry = next(found, None)
        return None if entry is None else self._decode(entry)

    def _before(self, same: CubeEdition | None, cube: Cube) -> Earlier:
        """What the new edition is frozen against: nothing where there is noise."""
        if same is None or cube.epsilon is not None:
            return Earlier()
        return decode_private(self.editions.private(same.cube, same.number), same)

    def _make(
        self,
        making: Making,
        cube: Cube,
        rows: list[tuple[Scalar, ...]],
        before: Earlier,
    ) -> CubeEdition:
        """The edition, its files durable, and not current yet."""
        layout = layout_of(cube, self.catalog)
        token = _tokens(self.editions.key(), shape_of(cube))
        if cube.epsilon is None:
            kept = freeze(cube, tally(layout, rows, token), before)
        else:
            kept = draw(cube, tally(layout, rows, token, is_once=True), self.noise)
        made = make_edition(making, cube, layout, kept)
        if len(made.encoded) > MAX_EDITION_BYTES:
            raise AnswerTooLarge(
                f"the edition has {len(made.cells)} cells, more than can be shown",
                hint="coarsen a dimension, or leave one out",
            )
        private = encode_private(made, layout, kept)
        self.editions.save(cube.id, made.number, made.encoded, private)
        return made

    async def _enter(self, made: CubeEdition, cube: Cube, same: CubeEdition | None) -> Built:
        digest = digest_of(made.encoded)
        part = EditionBuilt(
            cube=made.cube,
            number=made.number,
            edition=digest,
            cells=len(made.cells),
            epsilon=made.epsilon,
            relations=tuple(sorted(cube.relations)),
            shape=shape_of(cube),
            afresh=self._is_afresh(cube),
            policy_version=made.policy_version,
            policy=made.policy,
            catalog=made.catalog,
            as_of=made.as_of,
        )
        index = await self.ledger.append(draft(part))
        self._decoded[digest] = made
        if same is not None:
            self.editions.forget(same.cube, same.number)
        return Built(made, await self.ledger.receipt(index))

    def _check_budget(self, cube: Cube) -> None:
        """Nothing, when this year's noise is paid for, this edition's too. Raises: BudgetSpent."""
        if cube.epsilon is None or cube.epsilon_a_year is None:
            return
        year = day_of(self.clock(), self.catalog.zone).year
        spent = sum(
            Fraction(str(entry.open["epsilon"]))
            for entry in self._overlapping(cube)
            if entry.open["epsilon"] and day_of(entry.time, self.catalog.zone).year == year
        )
        if spent + Fraction(repr(cube.epsilon)) > Fraction(repr(cube.epsilon_a_year)):
            raise BudgetSpent(
                f"the editions of `{cube.id}`, and of other cubes of its relations, have spent "
                f"{float(spent):g} of the "
                f"{cube.epsilon_a_year:g} that its policy gives a year, and another spends "
                f"{cube.epsilon:g}",
                hint="build the next one next year",
            )


@dataclass(frozen=True, slots=True)
class _Entered:
    """An edition and the index of its entry."""

    index: int
    edition: CubeEdition


def is_of_cubes(bounds: Sequence[BoundFragment]) -> bool:
    """Whether the fragments are read from editions: all of one request are, or none."""
    return any(isinstance(bound.guard, Edition) for bound in bounds)


def _named(policy: Policy, name: str) -> Cube:
    cube = policy.cube(name)
    if cube is None:
        names = ", ".join(one.id for one in policy.cubes) or "the policy declares none"
        raise MalformedRequest("the policy has no such cube", hint=names)
    return cube


def _cube_of(bound: BoundFragment) -> str:
    if not isinstance(bound.guard, Edition):
        raise CheckFailed("a fragment that is of no cube was read from an edition")
    return bound.guard.cube


def _rows(edition: CubeEdition, bound: BoundFragment, stop: Event) -> list[tuple[Scalar, ...]]:
    return give_rows(bound, takewhile(lambda _: not stop.is_set(), expand(edition, bound)))


def _released(bound: BoundFragment, rows: Sequence[tuple[Scalar, ...]]) -> list[tuple[Scalar, ...]]:
    """The raw rows without the column that says that they pass: nothing filters them."""
    check_cap(bound, len(rows))
    return [row[:-1] for row in rows]


def _relations(entry: Entry) -> set[str]:
    names = entry.open["relations"]
    assert isinstance(names, list)  # INVARIANT: of `EditionBuilt`
    return set(map(str, names))


def _tokens(key: bytes, shape: Digest) -> Callable[[str], str]:
    """HMAC-SHA256 of shape and unit: one word for a unit just where editions can be compared."""
    domain = f"narrows/cube-unit/v1/{shape.hex()}\n".encode()

    def token(unit: str) -> str:
        return hmac.digest(key, domain + unit.encode(), "sha256")[:_TOKEN_BYTES].hex()

    return token
