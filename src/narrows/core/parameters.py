"""The parameters of a query: canonical bytes, to which a request commits.

>>> encode_parameters({"doc": TypedValue(ColumnType.TEXT, "ZZ123456")})
b'{"doc":{"type":"text","value":"ZZ123456"}}'
"""

from collections.abc import Mapping

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.terms import NAME, ColumnType, TypedValue, parse_value
from narrows.errors import MalformedRequest

MAX_PARAMETERS = 256


def encode_parameters(values: Mapping[str, TypedValue]) -> bytes:
    """The canonical bytes of named values; `decode_parameters` undoes it."""
    return canonical_bytes(
        {name: {"type": found.type.value, "value": found.text} for name, found in values.items()}
    )


def decode_parameters(data: bytes) -> dict[str, TypedValue]:
    """The named values that these bytes spell.

    Raises: MalformedRequest for anything but the published form.
    """
    document = parse_canonical(data)
    if not isinstance(document, dict) or len(document) > MAX_PARAMETERS:
        raise MalformedRequest("the parameters are not an object of named values")
    found = {}
    for name, value in document.items():
        if not NAME.fullmatch(name):
            raise MalformedRequest("a parameter has a name that is not plain lower case")
        if not isinstance(value, dict) or set(value) != {"type", "value"}:
            raise MalformedRequest(f"the parameter `{name}` lacks its type or value")
        kind, text = value["type"], value["value"]
        if kind not in list(ColumnType) or not (text is None or isinstance(text, str)):
            raise MalformedRequest(f"the parameter `{name}` is of no canonical type")
        found[name] = parse_value(ColumnType(kind), text)
    return found
