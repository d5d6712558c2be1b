"""Which parts of an expression are made anew, and which are left as they are."""

from narrows.core.sql import tree
from narrows.core.sql.parse import parse
from narrows.core.sql.rebuild import rebuild


def _term(text: str) -> tree.Expr:
    body = parse(f"SELECT {text} FROM t").body
    assert isinstance(body, tree.Select)
    return body.items[0].term


def _forget(term: tree.Expr) -> tree.Expr:
    return tree.Null() if isinstance(term, tree.Name) else rebuild(term, _forget)


def _names(term: tree.Expr) -> list[str]:
    return [node.name for node in tree.walk(term) if isinstance(node, tree.Name)]


def test_expressions_below_are_changed_in_cases_windows_and_sort_keys() -> None:
    found = rebuild(_term("CASE a WHEN b THEN c ELSE d END"), _forget)
    assert _names(found) == []
    assert _names(rebuild(_term("sum(a) OVER (PARTITION BY b ORDER BY c)"), _forget)) == []


def test_a_subquery_is_left_as_it_is_and_what_stands_beside_is_changed() -> None:
    found = rebuild(_term("a IN (SELECT b FROM u)"), _forget)
    assert _names(found) == ["b"]
    assert rebuild(_term("EXISTS (SELECT b FROM u)"), _forget) == _term("EXISTS (SELECT b FROM u)")


def test_a_term_without_terms_is_itself() -> None:
    term = _term("CURRENT_DATE")
    assert rebuild(term, _forget) is term
