"""What a node enters before a disclosure, and in one append with it: notices, and parts of lists.

INVARIANT: they stand before the disclosure, and a ledger keeps no entry without those before it
(`Ledger.append_all`). So no pointer leaves whose notice is not durable, nor a row of a list that
no entry of its own says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from narrows.core.ledger.entry import Draft, rows_digest, rows_field
from narrows.core.ledger.notice import NoticeText, encode_notice
from narrows.core.ledger.parts import Listed, Notice, draft
from narrows.core.policy.model import Form, Grant
from narrows.core.policy.subjects import field_of
from narrows.core.terms import Digest
from narrows.engines.arrow import build_batches, read_batch, schema_of
from narrows.node.case import Case, Judged
from narrows.node.release import Found
from narrows.node.tokens import SUBJECTS

NOTICE = "notice"


def entries_before(
    judged: Sequence[Judged], found: Sequence[Found], case: Case
) -> tuple[Draft, ...]:
    """The drafts that go before the disclosure, in order."""
    return tuple(
        one
        for part, given in zip(judged, found, strict=True)
        if part.grant is not None and part.bound is not None
        for one in _entries_of(part, part.grant, given, case)
    )


def _entries_of(part: Judged, grant: Grant, found: Found, case: Case) -> Iterator[Draft]:
    if grant.notify:
        yield _notice(part, found, case)
    if grant.form is Form.LIST:
        yield from _listed(part, grant, found, case)


def _notice(part: Judged, found: Found, case: Case) -> Draft:
    """Whom to tell of the one row; of the same shape where there is none."""
    header = case.admitted.header
    texts = [
        NoticeText(
            requester=header.agency,
            unit=header.unit,
            officer=case.admitted.request.text("officer") or "",
            holder=case.node.holder,
            pointer=contact,
        )
        for contact in found.contacts
    ]
    return draft(
        Notice(header.agency, part.decision.agreement or "", part.index, len(texts)),
        case.admitted.id,
        {NOTICE: encode_notice(texts[0] if texts else None)},
    )


def _listed(part: Judged, grant: Grant, found: Found, case: Case) -> Iterator[Draft]:
    """An entry for each batch as it is sent, or for each subject where the policy says so."""
    if grant.entry_for is None:
        chunks = list(_by_batch(part, found))
    else:
        chunks = list(_by_subject(part, found, field_of(case.node.catalog, *grant.entry_for)))
    for number, chunk in enumerate(chunks):
        listed = Listed(
            agency=case.admitted.header.agency,
            agreement=part.decision.agreement or "",
            fragment=part.index,
            chunk=number,
            chunk_count=len(chunks),
            row_count=chunk.row_count,
        )
        sealed = {
            rows_field(part.index): bytes(chunk.digest),
            SUBJECTS: case.sealing.packed(chunk.subjects, f"{SUBJECTS}/{part.index}/{number}"),
        }
        yield draft(listed, case.admitted.id, sealed)


@dataclass(frozen=True, slots=True)
class _Chunk:
    row_count: int
    digest: Digest
    subjects: frozenset[bytes]


def _by_batch(part: Judged, found: Found) -> Iterator[_Chunk]:
    schema, start = _schema(part), 0
    for batch in found.answer.batches:
        row_count = read_batch(batch, schema).num_rows
        whose = _all_of(one for row in found.subjects[start : start + row_count] for one in row)
        yield _Chunk(row_count, rows_digest((batch,)), whose)
        start += row_count


def _by_subject(part: Judged, found: Found, field: str) -> Iterator[_Chunk]:
    """In the order of each subject's first row: an order of keys would say which came first.

    A row that is gathered of many subjects is in the entry of each.
    """
    groups: dict[bytes | None, dict[int, list[Mapping[str, bytes]]]] = {}
    for place, row in enumerate(found.subjects):
        for subjects in row:
            places = groups.setdefault(subjects.get(field), {})
            places.setdefault(place, []).append(subjects)
    for places in groups.values():
        batches = build_batches([found.rows[place] for place in places], _schema(part))
        whose = _all_of(one for subjects in places.values() for one in subjects)
        yield _Chunk(len(places), rows_digest(batches), whose)


def _all_of(subjects: Iterable[Mapping[str, bytes]]) -> frozenset[bytes]:
    return frozenset(token for one in subjects for token in one.values())


def _schema(part: Judged) -> pa.Schema:
    assert part.bound is not None  # INVARIANT: asked of what is released
    return schema_of(part.bound.columns_that_leave)
