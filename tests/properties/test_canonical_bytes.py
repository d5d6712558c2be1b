"""Canonical bytes are those of RFC 8785, as the reference library writes them, and come back."""

import json
from typing import Literal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.errors import MalformedRequest

SURROGATES: tuple[Literal["Cs"]] = ("Cs",)
TEXT = st.text(st.characters(exclude_categories=SURROGATES))
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


@given(DOCUMENTS)
def test_the_bytes_are_those_of_the_reference_library(document: Json) -> None:
    assert canonical_bytes(document) == rfc8785.dumps(document)


@given(DOCUMENTS)
def test_a_document_comes_back(document: Json) -> None:
    assert parse_canonical(canonical_bytes(document)) == document


@given(DOCUMENTS, st.integers(0, 4))
def test_another_spelling_is_refused(document: Json, style: int) -> None:
    spelled = (
        json.dumps(document),
        json.dumps(document, ensure_ascii=False, indent=1),
        json.dumps(document, separators=(",", ":")),
        json.dumps(document, ensure_ascii=False, sort_keys=True),
        json.dumps(document) + "\n",
    )[style].encode()
    if spelled != canonical_bytes(document):
        with pytest.raises(MalformedRequest):
            parse_canonical(spelled)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_refused_or_canonical(data: bytes) -> None:
    try:
        found = parse_canonical(data)
    except MalformedRequest:
        return
    assert canonical_bytes(found) == data
