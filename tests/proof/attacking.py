"""The catalogue of attacks rewritten over a generated schema.

`{t}` is a relation under the alias `a`, `{h}` a column of it that is not shown, `{s}` one that is,
`{k}` its key, `{lit}` a literal of the hidden column's type, `{w}` what anchors the question, and
`{o}` another relation. Each must be refused, or say the same of both databases.
"""

from random import Random

from narrows.core.catalog import Catalog, Column
from tests.proof.questions import Cell, Questions, Source, hidden_places, tried_value
from tests.proof.spec import Granted
from tests.proof.values import literal
from tests.proof.views import Tables

USES = """
SELECT {s} AS x FROM {t} a WHERE {w} AND a.{h} = {lit}
SELECT CASE WHEN a.{h} > {lit} THEN 1 ELSE 0 END AS x FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} ORDER BY a.{h}
SELECT {s} AS x, rank() OVER (ORDER BY a.{h}) AS r FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} GROUP BY {s} HAVING max(a.{h}) > {lit}
SELECT {s} AS x FROM {t} a WHERE {w} QUALIFY row_number() OVER (ORDER BY a.{h}) = 1
SELECT {s} AS x FROM {t} a WHERE {w} AND EXISTS (SELECT 1 FROM {o} b WHERE b.holder = a.holder AND a.{h} = {lit})
SELECT {s} AS x FROM {t} a WHERE {w} AND {lit} IN (SELECT b.{h} FROM {t} b)
SELECT {s} AS x FROM {t} a, LATERAL (SELECT a.{h} AS z) l WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} UNION SELECT a.{h} FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} EXCEPT SELECT a.{h} FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} LIMIT (SELECT count(*) FROM {t} b WHERE b.{h} = {lit})
SELECT DISTINCT ON (a.{h}) {s} AS x FROM {t} a WHERE {w}
SELECT count(*) FILTER (WHERE a.{h} = {lit}) AS n FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a JOIN {o} b ON a.{h} = b.holder WHERE {w}
SELECT {s} AS x FROM {t} a JOIN {t} b USING ({h}) WHERE {w}
SELECT {s} AS x FROM {t} a NATURAL JOIN {t} b WHERE {w}
SELECT {s} AS x FROM {t} a POSITIONAL JOIN {o} b WHERE {w}
SELECT a FROM {t} a WHERE {w}
SELECT a.* FROM {t} a WHERE {w} AND a.{h} IS NOT NULL
SELECT hash(a) AS x FROM {t} a WHERE {w}
SELECT {h}(a) AS x FROM {t} a WHERE {w}
SELECT a.{h}.upper() AS x FROM {t} a WHERE {w}
SELECT #2 FROM {t} a WHERE {w}
SELECT COLUMNS('.*') FROM {t} a WHERE {w}
SELECT * LIKE '%' FROM {t} a WHERE {w}
SELECT * EXCLUDE ({k}) FROM {t} a WHERE {w}
SELECT * REPLACE ({lit} AS {h}) FROM {t} a WHERE {w}
SELECT * FROM {t} a WHERE {w}
SELECT s.* FROM (SELECT * FROM {t} a WHERE {w}) s ORDER BY s.{h}
SELECT s.{h} FROM (SELECT * FROM {t} a WHERE {w}) s
SELECT max(s.{h}) AS m FROM (SELECT * FROM {t} a WHERE {w}) s
WITH {t} AS (SELECT 1 AS {h}) SELECT {h} FROM {t}
WITH {o} AS (SELECT * FROM {t} a WHERE {w}) SELECT * FROM {o}
WITH RECURSIVE r AS (SELECT a.{h} AS z FROM {t} a UNION ALL SELECT z FROM r) SELECT z FROM r
SELECT {s} AS {h} FROM {t} a WHERE {w} ORDER BY {h}
SELECT a."{h}" AS x FROM "{t}" a WHERE {w}
SELECT a.rowid AS x FROM {t} a WHERE {w}
SELECT * FROM main.{t} a WHERE {w}
SELECT * FROM sqlite_master
SELECT * FROM duckdb_tables()
SELECT CAST(a.{h} AS INTEGER) AS x FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} AND CAST(a.{h} AS INTEGER) > 0
SELECT error(a.{h}) AS x FROM {t} a WHERE {w}
SELECT 1 / (CASE WHEN a.{h} = {lit} THEN 0 ELSE 1 END) AS x FROM {t} a WHERE {w}
SELECT CAST({s} AS INTEGER) AS x FROM {t} a WHERE {w}
SELECT 1 / (length(CAST({s} AS VARCHAR)) - 2) AS x FROM {t} a WHERE {w}
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM {t} a WHERE {w}; SELECT 1
SELECT {s} AS x FROM {t} a WHERE {w} OR a.{h} = {lit}
SELECT {s} AS x FROM {t} a WHERE NOT ({w})
SELECT {s} AS x FROM {t} a WHERE {w} OR TRUE
SELECT {s} AS x FROM {t} a
SELECT count(*) AS n FROM {t} a
SELECT count(*) AS n FROM {t} a WHERE {w}
SELECT a.holder, count(*) AS n FROM {t} a CROSS JOIN {o} b WHERE {w} GROUP BY a.holder
SELECT string_agg(a.{h}, ',') AS x FROM {t} a WHERE {w}
SELECT any_value(a.{h}) AS x FROM {t} a WHERE {w}
SELECT min(a.{h}) AS lo, max(a.{h}) AS hi FROM {t} a WHERE {w}
SELECT sum(CASE WHEN a.{h} = {lit} THEN 1 ELSE 0 END) AS n FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} AND a.{h} LIKE 'a%'
SELECT {s} AS x FROM {t} a WHERE {w} AND a.{h} BETWEEN {lit} AND {lit}
SELECT {s} AS x FROM {t} a WHERE {w} AND a.{h} IN ({lit}, {lit}, {lit}, {lit}, {lit}, {lit})
SELECT {s} AS x FROM {t} a JOIN (VALUES ({lit})) v(z) ON a.{h} = v.z WHERE {w}
SELECT {s} AS x FROM {t} a LEFT JOIN {o} b ON a.holder = b.holder WHERE {w} AND b.holder IS NULL
SELECT {s} AS x FROM {t} a WHERE {w} AND a.{h} IS NULL
SELECT a.{k} AS x FROM {t} a WHERE {w}
SELECT x.{k} AS x FROM {t} a JOIN {t} x ON a.holder = x.holder AND a.{k} = x.{k} WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} ORDER BY 1 LIMIT 1
SELECT {s} AS x FROM {t} a WHERE {w} LIMIT 2
SELECT last_value({s}) OVER (ORDER BY a.holder) AS x FROM {t} a WHERE {w}
SELECT lag({s}) OVER () AS x FROM {t} a WHERE {w}
SELECT first_value({s}) OVER () AS x FROM {t} a WHERE {w}
SELECT row_number() OVER () AS n, {s} AS x FROM {t} a WHERE {w}
SELECT name_sim(CAST(a.{h} AS VARCHAR), 'Roy') AS x FROM {t} a WHERE {w}
SELECT {s} AS x FROM {t} a WHERE {w} AND name_sim(CAST(a.{h} AS VARCHAR), 'Roy') >= 0.1
SELECT {s} AS x FROM {t} a WHERE {w} AND substr(CAST(a.{h} AS VARCHAR), 1, 1) = 'c'
EXPLAIN ANALYZE SELECT * FROM {t} a
PRAGMA table_info('{t}')
"""
TEMPLATES = tuple(line for line in USES.splitlines() if line)


def attack(rng: Random, catalog: Catalog, grant: Granted | None, tables: Tables) -> str:
    """One of the catalogue over this schema, anchored where the grant asks for an anchor."""
    key_set = rng.choice(grant.by) if grant is not None and grant.by else ()
    linked = grant.link if grant is not None else tuple(catalog.relations)
    name = key_set[0].relation if key_set else rng.choice(linked or tuple(catalog.relations))
    relation = catalog.relations[name]
    questions = Questions(rng, catalog, grant, tables)
    anchors = questions.anchors([key for key in key_set if key.relation == name], {"a": name})
    hidden = [place.column for place in hidden_places(catalog, grant) if place.relation == name]
    column = rng.choice(hidden or relation.columns[1:])
    shown = [
        one
        for one in relation.columns
        if questions.is_shown(Source("", {"a": name}, ()), _cell(one))
    ]
    return rng.choice(TEMPLATES).format(
        t=name,
        o=rng.choice(list(catalog.relations)),
        h=column.name,
        s=f"a.{rng.choice(shown).name}",
        k=relation.key[0],
        lit=literal(tried_value(column)),
        w=" AND ".join(anchors) or "TRUE",
    )


def _cell(column: Column) -> Cell:
    return Cell("a", column)
