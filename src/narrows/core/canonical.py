r"""Canonical JSON (RFC 8785) and salted commitments.

The documents of Narrows hold objects, arrays, text, booleans, null and integers below 2**53; a
fraction is spelled as text. Over that subset the C encoder of the standard library, told to sort
keys and leave out spaces, writes exactly what RFC 8785 asks for; a property test holds it to the
reference library `rfc8785`.

>>> canonical_bytes({"b": [1, "é"], "a": None})
b'{"a":null,"b":[1,"\xc3\xa9"]}'
>>> parse_canonical(b'{"a":null}')
{'a': None}
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from narrows.core.terms import Digest, digest_of
from narrows.errors import MalformedRequest

Json: TypeAlias = "str | bool | int | Sequence[Json] | Mapping[str, Json] | None"

SALT_BYTES = 32
_LARGEST = 2**53 - 1
_COMMITMENT = b"narrows/commitment/v1/"


def canonical_bytes(value: Json) -> bytes:
    """The one spelling of a document.

    Raises: MalformedRequest for a fraction, an integer of 2**53 or more, a key that is not ASCII,
    or a lone surrogate: nothing that another reader could read differently is ever signed.
    Source: RFC 8785.
    """
    _check(value)
    return _spell(value)


def parse_canonical(data: bytes) -> Json:
    """The document that these bytes are the canonical spelling of.

    Raises: MalformedRequest when the bytes are not JSON, or not in canonical form: two spellings
    of one document would let a signature cover something else than what is read.
    """
    try:
        value: Json = json.loads(data.decode(), parse_int=_whole, parse_float=_fraction)
        # Keys of an ASCII text are ASCII: one that hides behind escapes is spelled otherwise.
        if not data.isascii():
            _check(value)
        if _spell(value) == data:
            return value
    except (ValueError, RecursionError) as cause:
        raise MalformedRequest("a document is not JSON in UTF-8") from cause
    raise MalformedRequest("a document is not in canonical form", hint="write it as RFC 8785 says")


def commit(field: str, salt: bytes, value: bytes) -> Digest:
    """SHA-256(domain ‖ salt ‖ value), which binds to the value and, without the salt, hides it.

    Shape: 32 bytes. Needs: a salt of 32 bytes, fresh for each field and document.
    The field is part of the domain, so that an opening of one field cannot pass for another's.
    """
    if len(salt) != SALT_BYTES:
        raise MalformedRequest(f"the salt of `{field}` is not {SALT_BYTES} bytes long")
    return digest_of(_COMMITMENT, field.encode(), b"\n", salt, value)


def _spell(value: Json) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    try:
        return text.encode()
    except UnicodeEncodeError as cause:
        raise MalformedRequest("a text holds half of a surrogate pair") from cause


def _check(value: Json) -> None:
    """Nothing, for what has one spelling. The exact types come first: this is asked all the time."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    match value:
        case dict() | Mapping():
            for key, inner in value.items():
                # RFC 8785 sorts keys by UTF-16 units, Python by code points: alike for ASCII.
                if not (key.isascii() and key.isprintable()):
                    raise MalformedRequest("a document has a key that is not plain ASCII")
                _check(inner)
        case list() | tuple():
            for inner in value:
                _check(inner)
        case int():
            if abs(value) > _LARGEST:
                raise _too_large()
        case str():
            return
        case _:
            raise MalformedRequest("a document holds something that canonical JSON cannot spell")


def _whole(text: str) -> int:
    # The length first: Python refuses to read very long numbers, in words of its own.
    if len(text) > len(str(-_LARGEST)) or abs(found := int(text)) > _LARGEST:
        raise _too_large()
    return found


def _fraction(_: str) -> float:
    raise MalformedRequest("a document holds something that canonical JSON cannot spell")


def _too_large() -> MalformedRequest:
    return MalformedRequest("a document holds an integer beyond 2**53")
