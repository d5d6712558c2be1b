"""What a node reads for one question: all of it in one snapshot, and at a tick where there are any."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from narrows.core.exchange import FragmentAnswer
from narrows.core.ledger.entry import Draft
from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.bound import BoundFragment, Edition
from narrows.core.policy.gather import gather_rows
from narrows.core.policy.model import Mask
from narrows.core.policy.subjects import contact_columns, spell_contact, subject_columns
from narrows.core.terms import Scalar
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.protocol import Reading, Statement
from narrows.errors import DeadlinePassed
from narrows.node.case import Case, Judged
from narrows.node.compile import compile_bound, types_in
from narrows.node.cubes import is_of_cubes
from narrows.node.entering import entries_before
from narrows.node.release import Found, released_with
from narrows.node.ticks import Ticks


@dataclass(frozen=True, slots=True)
class Read:
    """What every fragment gives, as of the snapshot's time; `before` is entered before it leaves."""

    found: tuple[Found, ...]
    as_of: datetime
    before: tuple[Draft, ...] = ()


async def read(judged: tuple[Judged, ...], case: Case) -> Read:
    """The released rows of every fragment, read in one snapshot.

    Raises: AnswerTooLarge, CheckFailed, DeadlinePassed: at a tick, where they depend on data.
    """
    node = case.node
    if all(one.bound is None for one in judged):
        nothing = (FragmentAnswer(one.index, one.decision) for one in judged)
        return Read(tuple(Found(one) for one in nothing), node.clock())
    deadline_s = case.admitted.header.deadline_ms / 1000
    async with _ticks(judged, case).leveled():
        if is_of_cubes([one.bound for one in judged if one.bound is not None]):
            return Read(*await read_cubes(judged, case, deadline_s))
        statements = [_compiled(one, one.bound, case) for one in judged if one.bound is not None]
        reading = await case.node.engine.run(statements, deadline_s)
        if any(one.bound is not None and one.bound.is_finished_by_node for one in judged):
            # What is compared row by row must not keep everybody else waiting.
            found = await _in_time(judged, reading, case)
        else:
            found = _found(judged, reading, case)
        # A list has tokens to make for every subject: before the tick, and while others are served.
        before = await asyncio.to_thread(entries_before, judged, found, case)
    return Read(found, reading.as_of, before)


async def _in_time(judged: tuple[Judged, ...], reading: Reading, case: Case) -> tuple[Found, ...]:
    """What is released, in a thread, before the request's deadline. Raises: DeadlinePassed."""
    gone_s = (case.node.clock() - case.arrival.received_at).total_seconds()
    left_s = max(0.0, case.admitted.header.deadline_ms / 1000 - gone_s)
    try:
        async with asyncio.timeout(left_s):
            return await asyncio.to_thread(_found, judged, reading, case)
    except TimeoutError:
        raise DeadlinePassed(
            "the node did not finish within the deadline", hint="match more narrowly"
        ) from None


async def read_cubes(
    judged: tuple[Judged, ...], case: Case, deadline_s: float
) -> tuple[tuple[Found, ...], datetime]:
    """What the editions of cubes give; a million rows are made beside the event loop.

    Raises: DeadlinePassed, and what `Cubes.read` raises.
    """
    bounds = [one.bound for one in judged if one.bound is not None]
    try:
        async with asyncio.timeout(deadline_s):
            reading = await case.node.cubes.read(bounds)
            found = await asyncio.to_thread(_found, judged, reading, case)
    except TimeoutError:
        raise DeadlinePassed(
            "the figures had not enough time", hint="allow more, or ask for less"
        ) from None
    return found, reading.as_of


def _found(judged: tuple[Judged, ...], reading: Reading, case: Case) -> tuple[Found, ...]:
    rows = iter(reading.rows)
    return tuple(
        Found(FragmentAnswer(one.index, one.decision))
        if one.bound is None
        else _released(one, one.bound, next(rows), case)
        for one in judged
    )


def _ticks(judged: tuple[Judged, ...], case: Case) -> Ticks:
    agreements = (one.agreement for one in judged if one.agreement is not None)
    tick_ms = next((one.answer_ticks_ms for one in agreements), None)
    return Ticks(tick_ms, case.arrival.received_at, case.node.clock, case.node.sleep)


def _compiled(one: Judged, bound: BoundFragment, case: Case) -> Statement:
    node = case.node
    types = types_in(bound, node.catalog)
    beside = tuple({**_subjects(one, case), **_contact(one, case)})
    return compile_bound(bound, node.mapping, node.engine.dialect, types, beside)


def _subjects(one: Judged, case: Case) -> Mapping[ColumnOf, str]:
    return subject_columns(case.node.catalog, one.fragment)


def _contact(one: Judged, case: Case) -> Mapping[ColumnOf, Mask]:
    """What both units are told of a pointer, whatever was asked for; nothing without that duty."""
    if one.grant is None or not _is_told(one):
        return {}
    return contact_columns(case.policy, one.fragment, one.grant)


def _is_told(one: Judged) -> bool:
    return one.grant is not None and one.grant.notify


def _released(
    judged: Judged, bound: BoundFragment, rows: list[tuple[Scalar, ...]], case: Case
) -> Found:
    subjects, contact = _subjects(judged, case), _contact(judged, case)
    if isinstance(bound.guard, Edition):
        # Cells of a cube are about nobody.
        subjects = {}
    beside = tuple({**subjects, **contact})
    kept = released_with(bound, rows, beside, case.node.pseudonym)
    raw = [dict(zip(beside, one.beside, strict=True)) for one in kept]
    whose = [case.sealing.subjects(subjects, [one[c] for c in subjects]) for one in raw]
    made = gather_rows(bound, [one.row for one in kept])
    leaving = tuple(row for row, _ in made)
    batches = tuple(build_batches(leaving, schema_of(bound.columns_that_leave)))
    return Found(
        FragmentAnswer(judged.index, judged.decision, batches, len(leaving)),
        leaving,
        tuple(tuple(whose[place] for place in places) for _, places in made),
        tuple(
            spell_contact(judged.fragment, contact, [one[c] for c in contact])
            for one in raw
            if _is_told(judged)
        ),
    )
