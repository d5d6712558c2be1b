"""Names, stars, joins, groups, types: what resolves stands beside what does not."""

import pytest

from narrows.core.catalog import Catalog, Column, Relation
from narrows.core.sql import tree
from narrows.core.sql.parse import parse
from narrows.core.sql.resolve import MOST_COLUMNS, MOST_FULL_JOINS, resolve
from narrows.core.terms import ColumnName, ColumnType, RelationName
from narrows.errors import MalformedQuery, UnsupportedQuery

_TYPES = {
    "birth_date": ColumnType.DATE,
    "crossed_at": ColumnType.TIMESTAMP,
    "child_victim": ColumnType.BOOLEAN,
    "model_year": ColumnType.INTEGER,
}
_SCHEMA = """
person: holder person_id surname given_names birth_date sex_code residence_postal
person_name: holder person_id name_type surname given_names
identifier: holder person_id ident_type ident_value issuer
vehicle: holder vehicle_id person_id plate plate_juris make model_year colour
offender_registration: holder registration_id person_id child_victim order_on reg_status risk_level
travel_notice: holder notice_id person_id notified_on depart_on return_on destination_country
border_crossing: holder crossing_id direction crossed_at port_code other_country doc_number doc_issuer
investigation: holder case_no offence_family opened_on unit contact province
involvement: holder case_no person_id role since_on
alert: holder alert_id alert_type person_id issuer from_on to_on action_code
"""


def _catalog() -> Catalog:
    relations = {}
    for line in _SCHEMA.strip().splitlines():
        name, _, columns = line.partition(": ")
        relations[RelationName(name)] = Relation(
            RelationName(name),
            tuple(
                Column(
                    ColumnName(one),
                    ColumnType.DATE if one.endswith("_on") else _TYPES.get(one, ColumnType.TEXT),
                )
                for one in columns.split()
            ),
        )
    return Catalog("canada", 1, "UTC", (), relations, {})


def _resolve(text: str, **parameters: ColumnType) -> tree.ResolvedQuery:
    return resolve(parse(text), _catalog(), parameters)


def _select(text: str, **parameters: ColumnType) -> tree.Select:
    body = _resolve(text, **parameters).query.body
    assert isinstance(body, tree.Select)
    return body


QUESTIONS = (
    "SELECT p.holder,p.surname,r.reg_status FROM person p JOIN offender_registration r"
    " USING(holder,person_id) JOIN identifier i USING(holder,person_id)"
    " WHERE i.ident_type='PASSPORT' AND i.ident_value='ZZ123456'",
    "SELECT n.holder,p.birth_date,name_sim(n.surname||' '||n.given_names,'NGUYEN THI HOA') AS score"
    " FROM person_name n JOIN person p USING(holder,person_id)"
    " WHERE p.birth_date BETWEEN DATE '1990-01-01' AND DATE '1992-12-31' ORDER BY score DESC LIMIT 25",
    "SELECT DISTINCT i.holder,v.unit FROM identifier i JOIN involvement w USING(holder,person_id)"
    " JOIN investigation v USING(holder,case_no) WHERE i.ident_value='+14165550142'",
    "SELECT p.holder,h.make FROM person p JOIN vehicle h USING(holder,person_id)"
    " WHERE substr(p.residence_postal,1,3) IN('M4C','M4E') AND h.make='HONDA'",
    "SELECT t.notice_id,b.crossed_at FROM travel_notice t JOIN identifier i USING(holder,person_id)"
    " LEFT JOIN border_crossing b ON b.doc_number=i.ident_value AND CAST(b.crossed_at AS DATE)"
    " BETWEEN t.depart_on-3 AND t.depart_on+3"
    " WHERE b.crossing_id IS NULL OR b.other_country<>t.destination_country",
    "SELECT r.registration_id FROM offender_registration r WHERE r.child_victim",
    "SELECT direction,crossed_at FROM border_crossing WHERE crossed_at>=TIMESTAMP '2025-05-01'"
    " ORDER BY crossed_at DESC",
    "SELECT a.holder FROM alert a WHERE CURRENT_DATE BETWEEN a.from_on AND a.to_on",
    "SELECT province,EXTRACT(year FROM opened_on) AS yr,COUNT(*) AS n FROM investigation GROUP BY 1,2",
    "SELECT substr(residence_postal,1,3) AS fsa,COUNT(DISTINCT person_id) AS n FROM person"
    " JOIN offender_registration USING(holder,person_id) WHERE reg_status='ACTIVE' GROUP BY 1",
    "SELECT destination_country,COUNT(*) AS n,AVG(depart_on-notified_on) AS days FROM travel_notice"
    " GROUP BY destination_country",
    "SELECT holder FROM (SELECT holder, LAG(surname) OVER (PARTITION BY holder ORDER BY person_id)"
    " AS before FROM person) x WHERE before <> 'x'",
    "WITH d AS (SELECT holder, COUNT(*) AS n FROM person GROUP BY 1), e AS (SELECT * FROM d)"
    " SELECT d.holder, m FROM d JOIN (SELECT holder, AVG(n) AS m FROM e GROUP BY 1) b USING(holder)"
    " WHERE n > m + 4",
    "SELECT coalesce(p.holder, i.holder) FROM person p FULL JOIN identifier i USING (holder)",
    "SELECT surname FROM person p WHERE EXISTS (SELECT 1 FROM identifier i"
    " WHERE i.person_id = p.person_id AND i.holder = p.holder)",
    "SELECT surname AS s, count(*) FROM person GROUP BY s HAVING max(birth_date) > DATE '2000-01-01'",
    "SELECT rank() OVER (ORDER BY count(*)) FROM person GROUP BY surname ORDER BY count(*), surname",
    "SELECT surname FROM person UNION SELECT plate FROM vehicle ORDER BY surname, 1",
    "SELECT DISTINCT surname FROM person ORDER BY 1",
    "SELECT 1 AS a, count(*) FROM person ORDER BY a",
    "SELECT CASE sex_code WHEN 'F' THEN 1 ELSE 2 END, (SELECT max(plate) FROM vehicle) FROM person",
    "SELECT x FROM (SELECT surname FROM person) AS q(x)",
    "SELECT surname FROM person WHERE model_year IN (SELECT 1)".replace("model_year", "1"),
)


@pytest.mark.parametrize("text", QUESTIONS, ids=lambda text: str(text)[:60])
def test_question_resolves(text: str) -> None:
    for node in tree.walk(_resolve(text).query):
        assert not isinstance(node, tree.Name | tree.Star | tree.TableRef)
        assert not (isinstance(node, tree.Join) and node.using)


REFUSED = (
    ("SELECT sirname FROM person", "did you mean `surname`"),
    ("SELECT 1 FROM persn", "did you mean `person`"),
    ("SELECT qq FROM person", "did you mean `"),
    ("SELECT 1 FROM zz", "did you mean `"),
    ("SELECT q.surname FROM person p", "no source `q`"),
    ("SELECT p.sirname FROM person p", "did you mean `surname`"),
    (
        "SELECT 1 FROM person p WHERE EXISTS (SELECT 1 FROM vehicle p WHERE p.surname = 'x')",
        "no column `surname`",
    ),
    ("SELECT 1 FROM person GROUP BY nosuch", "no column `nosuch`"),
    ("SELECT person.surname FROM person p", "no source `person`"),
    ("SELECT x.* FROM person p", "no source `x`"),
    ("SELECT rowid FROM person", "no column"),
    ("SELECT 1 FROM sqlite_master", "no relation"),
    ("SELECT person FROM person", "no column"),
    ("SELECT *", "no source"),
    ("SELECT holder FROM person, identifier", "ambiguous"),
    ("SELECT 1 FROM person JOIN person USING (holder)", "two sources"),
    ("SELECT 1 FROM person JOIN vehicle USING (surname)", "no column `surname`"),
    ("SELECT 1 FROM person HAVING max(nosuch) > 1", "no column"),
    ("SELECT surname FROM person ORDER BY nosuch", "no column"),
    ("WITH person AS (SELECT 1) SELECT 1 FROM person", "would hide"),
    ("WITH x AS (SELECT 1), x AS (SELECT 2) SELECT 1 FROM x", "would hide"),
    ("WITH x AS (SELECT 1 FROM x) SELECT 1 FROM x", "no relation"),
    ("SELECT 1 FROM (WITH x AS (SELECT 1) SELECT 1) y, x", "no relation"),
    ("SELECT p.holder FROM person p, (SELECT p.surname) q", "no source `p`"),
    ("SELECT 1 FROM (SELECT holder, holder FROM person) x", "two columns"),
    ("SELECT 1 FROM (SELECT holder FROM person) x(a, b)", "another number"),
    ("SELECT surname, count(*) FROM person", "neither grouped"),
    ("SELECT * FROM person GROUP BY surname", "neither grouped"),
    ("SELECT count(*) FROM person ORDER BY surname", "neither grouped"),
    ("SELECT count(*) FROM person HAVING surname = 'x'", "neither grouped"),
    (
        "SELECT count(*) FROM person p HAVING EXISTS"
        " (SELECT 1 FROM vehicle v WHERE v.person_id = p.person_id)",
        "neither grouped",
    ),
    ("SELECT 1 FROM person WHERE count(*) > 1", "no aggregate may"),
    ("SELECT 1 FROM person p JOIN vehicle v ON count(*) > 1", "no aggregate may"),
    ("SELECT count(*) AS n FROM person GROUP BY n", "no aggregate may"),
    ("SELECT sum(count(*)) FROM person", "no aggregate may"),
    ("SELECT 1 FROM person WHERE rank() OVER (ORDER BY surname) = 1", "no window may"),
    ("SELECT 1 FROM person GROUP BY surname HAVING rank() OVER () = 1", "no window may"),
    ("SELECT sum(rank() OVER ()) FROM person", "no window may"),
    ("SELECT rank() OVER (ORDER BY rank() OVER ()) FROM person", "no window may"),
    ("SELECT rank() FROM person", "needs `over`"),
    ("SELECT max((SELECT 1)) FROM person", "inside an aggregate"),
    ("SELECT (SELECT max(p.surname) FROM vehicle) FROM person p", "outer query"),
    ("SELECT surname FROM person GROUP BY 2", "ordinal"),
    ("SELECT surname FROM person ORDER BY 0", "ordinal"),
    ("SELECT surname FROM person ORDER BY 'x'", "constant"),
    ("SELECT 1 AS a FROM person GROUP BY a", "names no column"),
    ("SELECT surname AS a, holder AS a FROM person ORDER BY a", "ambiguous"),
    ("SELECT surname AS a, holder AS a FROM person GROUP BY a", "ambiguous"),
    ("SELECT DISTINCT surname FROM person ORDER BY holder", "does not show"),
    ("SELECT 1 UNION SELECT 1, 2", "number of columns"),
    ("SELECT 1 UNION SELECT 'x'", "beside"),
    ("SELECT 1 AS a UNION SELECT 2 ORDER BY b", "no output column"),
    ("SELECT 1 AS a UNION SELECT 2 ORDER BY a + 1", "an expression"),
    ("SELECT 1 AS a, 2 AS a UNION SELECT 2, 3 ORDER BY a", "ambiguous"),
    ("SELECT 1 IN (SELECT 1, 2)", "one column"),
    ("SELECT (SELECT 1, 2)", "one column"),
    ("SELECT :who", "is not given"),
    ("SELECT 1 FROM person WHERE birth_date = '2000-01-01'", "write DATE"),
    ("SELECT 1 FROM border_crossing WHERE crossed_at > DATE '2000-01-01'", "cast to `date`"),
    ("SELECT 1 FROM person WHERE surname IN ('a', 1)", "does not compare"),
    ("SELECT 1 FROM person WHERE surname BETWEEN 1 AND 2", "does not compare"),
    ("SELECT 1 FROM person WHERE surname IN (SELECT 1)", "does not compare"),
    ("SELECT 1 FROM person WHERE surname", "a condition takes"),
    ("SELECT 1 FROM person WHERE surname AND true", "a condition takes"),
    ("SELECT 1 FROM person WHERE NOT surname", "a condition takes"),
    ("SELECT surname + 1 FROM person", "does not take"),
    ("SELECT birth_date * 2 FROM person", "does not take"),
    ("SELECT -surname FROM person", "takes"),
    ("SELECT birth_date LIKE 'x' FROM person", "takes"),
    ("SELECT upper(birth_date) FROM person", "takes"),
    ("SELECT year(surname) FROM person", "takes"),
    ("SELECT EXTRACT(year FROM surname) FROM person", "takes"),
    ("SELECT coalesce(surname, 1) FROM person", "does not compare"),
    ("SELECT CASE WHEN surname THEN 1 END FROM person", "a condition takes"),
    ("SELECT CASE surname WHEN 1 THEN 1 END FROM person", "does not compare"),
    ("SELECT CASE WHEN true THEN 1 ELSE 'x' END FROM person", "does not compare"),
    ("SELECT count(*) FILTER (WHERE surname) FROM person", "a condition takes"),
    ("SELECT CASE WHEN true THEN 1 ELSE 2 END = 'x'", "does not compare"),
    ("SELECT EXTRACT(year FROM birth_date) = 'x' FROM person", "does not compare"),
)


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=lambda text: str(text)[:60])
def test_question_is_refused(text: str, message: str) -> None:
    with pytest.raises((MalformedQuery, UnsupportedQuery)) as found:
        _resolve(text)
    assert message in str(found.value)


def test_a_star_brings_columns_of_using_once() -> None:
    items = _select("SELECT * FROM person JOIN identifier USING (holder, person_id)").items
    names = [item.name for item in items]
    assert names.count("holder") == names.count("person_id") == 1
    assert all(item.from_star for item in items)


@pytest.mark.parametrize(("kind", "source"), [("LEFT", "t1"), ("RIGHT", "t2"), ("", "t1")])
def test_a_column_of_using_is_that_of_the_kept_side(kind: str, source: str) -> None:
    item = _select(f"SELECT holder FROM person {kind} JOIN identifier USING (holder)").items[0]
    assert item.term == tree.Ref(source, "holder", ColumnType.TEXT)


def test_a_column_of_a_full_join_is_either() -> None:
    item = _select("SELECT holder FROM person FULL JOIN identifier USING (holder)").items[0]
    assert isinstance(item.term, tree.Call)
    assert item.term.function == "coalesce"


def test_an_inner_name_is_not_captured_by_an_outer_one() -> None:
    text = "SELECT 1 FROM person p WHERE EXISTS (SELECT 1 FROM person_name WHERE surname = 'x')"
    refs = [node for node in tree.walk(_resolve(text).query) if isinstance(node, tree.Ref)]
    assert refs == [tree.Ref("t2", "surname", ColumnType.TEXT)]


def test_parameters_are_given_exactly() -> None:
    select = _select("SELECT 1 FROM person WHERE surname = :who", who=ColumnType.TEXT)
    assert any(node == tree.Param("who", ColumnType.TEXT) for node in tree.walk(select))
    with pytest.raises(MalformedQuery, match="not used"):
        _select("SELECT 1 FROM person", who=ColumnType.TEXT)
    with pytest.raises(MalformedQuery, match="does not compare"):
        _select("SELECT 1 FROM person WHERE surname = :who", who=ColumnType.DATE)


@pytest.mark.parametrize(
    "text", ["SELECT :n", "SELECT (:n) AS x", "SELECT 1 IN (2, -:n)", "SELECT 1=:n"]
)
def test_a_parameter_stands_wherever_a_value_does(text: str) -> None:
    found = _resolve(text, n=ColumnType.BIGINT)
    assert any(node == tree.Param("n", ColumnType.BIGINT) for node in tree.walk(found.query))


def test_outputs_are_named() -> None:
    assert _resolve("SELECT surname, 1, 2 AS b FROM person").outputs == ("surname", "column_2", "b")


def test_a_refusal_without_a_name_or_literal_has_no_position() -> None:
    with pytest.raises(MalformedQuery, match="does not compare") as found:
        _resolve("SELECT CURRENT_DATE = count(*) FROM person")
    assert found.value.position is None


def test_a_type_that_is_not_known_compares_with_anything() -> None:
    assert _resolve("SELECT sum(model_year) + 1 > 3.5 FROM vehicle").outputs == ("column_1",)


def test_a_subquery_among_groups_may_name_their_keys() -> None:
    inner = "(SELECT count(*) FROM vehicle v WHERE v.person_id = p.person_id)"
    text = f"SELECT p.person_id, {inner} FROM person p GROUP BY p.person_id"
    assert _resolve(text).outputs == ("person_id", "column_2")


def test_types_pass_through_subqueries() -> None:
    with pytest.raises(MalformedQuery, match="does not compare") as found:
        _resolve("SELECT 1 FROM (SELECT birth_date AS b FROM person) x WHERE b = 'x'")
    assert found.value.position is not None


def test_a_resolved_query_does_not_resolve_again() -> None:
    found = _resolve("SELECT surname FROM person")
    with pytest.raises(UnsupportedQuery):
        resolve(found.query, _catalog(), {})


def test_stars_grow_to_a_bound() -> None:
    """Each star brings every column: two hundred of them would fill a ledger's entry."""
    with pytest.raises(UnsupportedQuery, match=f"more than {MOST_COLUMNS} columns"):
        _resolve(f"SELECT {', '.join(['*'] * 200)} FROM person")


def test_full_joins_that_merge_columns_are_few() -> None:
    """Each is written out wherever its column is named, around the one before."""
    joins = [f" FULL JOIN person p{number} USING (holder)" for number in range(MOST_FULL_JOINS + 1)]
    _resolve(f"SELECT holder FROM person{''.join(joins[:-1])}")
    with pytest.raises(UnsupportedQuery, match="FULL JOIN"):
        _resolve(f"SELECT holder FROM person{''.join(joins)}")
