"""What passes between the pool and a merge worker: a document and blobs, never pickles.

    frame := document length, blob count, blob lengths (all 8 bytes, big-endian), document, blobs

The document is JSON. A worker that hostile rows took over can thus send nothing but bytes.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

Document: TypeAlias = Mapping[str, object]
HEAD = struct.Struct(">QQ")
LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, either way."""

    document: Document
    blobs: tuple[bytes, ...] = ()


def encode_frame(frame: Frame) -> bytes:
    """The bytes of the frame; `read_frame` undoes it."""
    document = json.dumps(frame.document, allow_nan=False).encode()
    lengths = b"".join(len(blob).to_bytes(LENGTH_BYTES, "big") for blob in frame.blobs)
    return b"".join((HEAD.pack(len(document), len(frame.blobs)), lengths, document, *frame.blobs))


def read_frame(source: BinaryIO) -> Frame | None:
    """The next frame, or None at the end. Raises: EOFError in the middle of one."""
    head = source.read(HEAD.size)
    if not head:
        return None
    document_bytes, blob_count = HEAD.unpack(head)
    lengths = split_lengths(_exactly(source, LENGTH_BYTES * blob_count))
    document = parse_document(_exactly(source, document_bytes))
    return Frame(document, tuple(_exactly(source, length) for length in lengths))


def split_lengths(lengths: bytes) -> Sequence[int]:
    """The lengths of the blobs."""
    return [
        int.from_bytes(lengths[at : at + LENGTH_BYTES], "big")
        for at in range(0, len(lengths), LENGTH_BYTES)
    ]


def parse_document(data: bytes) -> Document:
    """The document. Raises: ValueError when it is none."""
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("a frame's document is no object")  # noqa: TRY004 - of the data's form
    return found


def _exactly(source: BinaryIO, length: int) -> bytes:
    found = source.read(length)
    if len(found) != length:
        raise EOFError("a frame is cut short")
    return found
