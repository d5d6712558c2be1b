"""What a gateway only carried: opened here, checked against what the nodes entered, merged here.

Needs: the answer has passed `evidence.verify_answer`, so that every receipt verifies.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from narrows.client.answer import Answer
from narrows.client.credential import Credential
from narrows.client.question import Ask
from narrows.core.admission import day_of
from narrows.core.answer import Answer as Received
from narrows.core.answer import AnswerColumn
from narrows.core.canonical import Json
from narrows.core.catalog import Catalog
from narrows.core.directory import DirectoryKey
from narrows.core.ledger.entry import Entry, Kind, check_rows, decode_entry, rows_field
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import Split
from narrows.core.request import SignedRequest, decode_header
from narrows.core.sealed import Place, SealedRows, decode_opening, sealed_digest
from narrows.core.terms import ColumnType, MemberName, RequestId, TypedValue
from narrows.engines.arrow import read_batch, schema_of
from narrows.engines.merge_pool import MergePool
from narrows.engines.merging import MergeLimit, merge, tables_of
from narrows.errors import ProofInvalid
from narrows.store.sealing import MergeKey

Batches = Mapping[int, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Unsealing:
    """What is needed to open an answer: the question's parts, and the key of its requester."""

    request: RequestId
    recipient: MemberName
    key: MergeKey
    catalog: Catalog
    split: Split
    fragments: Sequence[Fragment]
    values: Mapping[str, TypedValue]


class Merging:
    """Merges of one client, in a walled worker that is started for the first of them."""

    def __init__(self, credential: Credential, catalog: Catalog) -> None:
        self._credential = credential
        self._catalog = catalog
        self._pool: MergePool | None = None
        self._starting = asyncio.Lock()

    async def merge(
        self, received: Received, verified: Answer, request: SignedRequest, split: Split, ask: Ask
    ) -> Answer:
        """As `merge_here`. Raises: also BadFederation where the member has no merge key here."""
        day = day_of(decode_header(request.header).issued_at, self._catalog.zone)
        values = {**ask.parameters, TODAY_SLOT: TypedValue(ColumnType.DATE, day)}
        unsealing = Unsealing(
            request=request.id,
            recipient=self._credential.member,
            key=self._credential.merge_key(),
            catalog=self._catalog,
            split=split,
            fragments=split.fill(values),
            values=values,
        )
        pool = await self._started()
        return await merge_here(received, verified, unsealing, pool, ask.deadline_s)

    async def close(self) -> None:
        """Nothing; no worker is left."""
        if self._pool is not None:
            await self._pool.close()

    async def _started(self) -> MergePool:
        async with self._starting:
            if self._pool is None:
                pool = MergePool(1)
                await pool.start()
                self._pool = pool
        return self._pool


async def merge_here(
    received: Received, verified: Answer, unsealing: Unsealing, pool: MergePool, left_s: float
) -> Answer:
    """The answer with its rows. Raises: as `open_rows`, and as `MergePool.merge`."""
    batches = open_rows(received, unsealing)
    tables = tables_of(unsealing.split, unsealing.fragments, batches, unsealing.catalog)
    limit = MergeLimit(unsealing.recipient, left_s)
    started_s = time.monotonic()
    merged = await merge(unsealing.split, tables, unsealing.values, pool, limit)
    merge_us = round((time.monotonic() - started_s) * 1_000_000)
    schema = schema_of(merged.columns)
    table = pa.Table.from_batches([read_batch(one, schema) for one in merged.batches], schema)
    columns = tuple(AnswerColumn(name, kind) for name, kind in merged.columns)
    return replace(verified, columns=columns, table=table, merge_us=merge_us)


def open_rows(received: Received, unsealing: Unsealing) -> Batches:
    """The batches of each part of the question, of all holders by name.

    Raises: ProofInvalid where something that a node entered is missing, is more, or differs.
    """
    entries = {
        report.holder: decode_entry(report.receipt.entry)
        for report in received.holders
        if report.receipt is not None
    }
    entered = {
        (holder, fragment): (entry, released)
        for holder, entry in entries.items()
        for fragment, released in _released(entry).items()
    }
    # 1. Each fragment that a node entered as released came, once, and no other.
    if sorted((one.holder, one.fragment) for one in received.sealed) != sorted(entered):
        raise ProofInvalid("the gateway carried other rows than the agencies entered")
    found: dict[int, list[bytes]] = {}
    for one in sorted(received.sealed, key=lambda one: (one.fragment, one.holder)):
        entry, released = entered[one.holder, one.fragment]
        found.setdefault(one.fragment, []).extend(_open(one, entry, released, unsealing))
    return found


def _released(entry: Entry) -> dict[int, Mapping[str, Json]]:
    """What a disclosure says of each fragment that it releases."""
    if entry.kind is not Kind.DISCLOSURE:
        return {}
    return {
        number: one
        for one in entry.objects("released")
        if isinstance(number := one.get("fragment"), int)
    }


def _open(
    rows: SealedRows, entry: Entry, released: Mapping[str, Json], unsealing: Unsealing
) -> list[bytes]:
    # 2. They were sealed to this very key, and are what the node says that it sealed.
    key_id = DirectoryKey(unsealing.key.public_key).key_id
    told = {"sealed_to": key_id, "sealed": sealed_digest(rows.parts[:-1]).hex()}
    if not rows.parts or any(released.get(name) != value for name, value in told.items()):
        raise ProofInvalid(f"what came of `{rows.holder}` is not what it sealed to this key")
    # 3. Every part opens in its place.
    place = Place(unsealing.request, rows.holder, rows.fragment, unsealing.recipient, key_id)
    parts = len(rows.parts)
    *batches, last = (
        unsealing.key.open(part, place.of(number, parts).info)
        for number, part in enumerate(rows.parts)
    )
    # 4. They are the rows that the node entered.
    opened = decode_opening(last)
    if opened.field != rows_field(rows.fragment):
        raise ProofInvalid(f"`{rows.holder}` opens another field than that of its rows")
    check_rows(entry, opened, batches)
    # 5. They are well formed, and as many as it says.
    schema = schema_of(columns_of_fragment(unsealing.fragments[rows.fragment], unsealing.catalog))
    if sum(read_batch(one, schema).num_rows for one in batches) != released.get("row_count"):
        raise ProofInvalid(f"`{rows.holder}` entered another number of rows than it sealed")
    return batches
