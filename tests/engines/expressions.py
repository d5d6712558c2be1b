"""The candidates that are expressions, aggregates and orders; none of them goes down by itself."""

from tests.engines.candidates import (
    CONDITIONS,
    EACH_TYPE,
    GATHERED,
    NO_CASE,
    ORDERED,
    Candidate,
)

_ABOVE = "agrees; no filter has it yet"
_NOT_TOTAL = "may raise, and an error would tell of rows that are not released"
_SPELLINGS = "each engine spells it in its own way"
AT_THE_NODE = "the node does it by itself, over what is released"

EXPRESSIONS: tuple[Candidate, ...] = (
    Candidate("`upper`", ("upper(c.word)",), NO_CASE, ("upper(c.word) = 'A'",)),
    Candidate("`lower`", ("lower(c.word)",), NO_CASE, ("lower(c.word) = 'a'",)),
    Candidate(
        "`\\|\\|`", ("c.word || c.word2", "c.word || 'x'"), _ABOVE, ("c.word || 'x' = 'ax'",)
    ),
    Candidate("`length`", ("length(c.word)",), _ABOVE, ("length(c.word) = 1",)),
    Candidate(
        "`substr` from another place",
        (
            "substr(c.word, 2, 1)",
            "substr(c.word, 2)",
            "substr(c.word, 0, 2)",
            "substr(c.word, -1, 1)",
        ),
        "engines count places below 1 in different ways",
        ("substr(c.word, 2, 1) = 'b'",),
    ),
    Candidate(
        "`trim`, `ltrim`, `rtrim`",
        ("trim(c.word)", "ltrim(c.word)", "rtrim(c.word)"),
        "only DuckDB trims blanks that do not break a line",
        ("trim(c.word) = 'a'",),
    ),
    Candidate(
        "`strpos`",
        ("strpos(c.word, 'b')",),
        f"agrees; {_SPELLINGS}",
        ("strpos(c.word, 'b') = 1",),
        {"sqlite": {"strpos(c.word, 'b')": "instr(c.word, 'b')"}},
    ),
    Candidate(
        "`concat`",
        ("concat(c.word, c.word2)",),
        f"agrees; {_SPELLINGS}",
        ("concat(c.word, 'x') = 'ax'",),
        {"sqlite": {"concat(c.word, c.word2)": "coalesce(c.word, '') || coalesce(c.word2, '')"}},
    ),
    Candidate(
        "`coalesce` of one type",
        ("coalesce(c.word, c.word2)", "coalesce(c.whole, 1)", "coalesce(c.day, DATE '2026-06-01')"),
        f"{_ABOVE}; write `x = 'A' OR x IS NULL`, which goes down",
        ("coalesce(c.word, 'A') = 'A'",),
        {"sqlite": {"coalesce(c.day, DATE '2026-06-01')": "coalesce(c.day, '2026-06-01')"}},
    ),
    Candidate(
        "`nullif` of one type",
        ("nullif(c.word, c.word2)", "nullif(c.whole, 1)"),
        _ABOVE,
        ("nullif(c.word, 'A') = 'B'",),
    ),
    Candidate(
        "`greatest`, `least`",
        ("greatest(c.whole, c.whole2)", "least(c.word, c.word2)"),
        "on SQLite NULL is the result where a side is NULL",
        ("greatest(c.whole, 1) = 1",),
        {
            "sqlite": {
                "greatest(c.whole, c.whole2)": "max(c.whole, c.whole2)",
                "least(c.word, c.word2)": "min(c.word, c.word2)",
            },
        },
    ),
    Candidate(
        "`CASE`",
        ("CASE WHEN c.word = 'a' THEN 1 WHEN c.whole2 > 1 THEN 2 ELSE 3 END",),
        _ABOVE,
        ("CASE WHEN c.word = 'a' THEN 1 ELSE 3 END = 1",),
    ),
    Candidate(
        "`CAST(timestamp AS date)` compared with a constant",
        (
            *tuple(
                f"CAST(c.moment AS date) {op} DATE '{day}'"
                for op in ("=", "<>", "<", "<=", ">", ">=")
                for day in ("2026-06-01", "1969-12-31", "0001-01-02", "9999-12-30")
            ),
            "DATE '2026-06-01' > CAST(c.moment AS date)",
            "CAST(c.moment AS date) BETWEEN DATE '1899-12-31' AND DATE '2026-06-01'",
        ),
    ),
    Candidate(
        "`CAST(timestamp AS date)` elsewhere",
        ("CAST(c.moment AS date)",),
        f"agrees; {_SPELLINGS}",
        ("CAST(c.moment AS date) = c.day",),
        {"sqlite": {"CAST(c.moment AS date)": "substr(c.moment, 1, 10)"}},
    ),
    Candidate(
        "`year`, `EXTRACT(year …)` compared with a constant",
        (
            *tuple(
                f"year(c.{name}) {op} {year}"
                for name in ("day", "moment")
                for op in ("=", "<>", "<", "<=", ">", ">=")
                for year in (2, 1582, 1969, 2026, 9998)
            ),
            "EXTRACT(year FROM c.day) = 2026",
            "1970 <= year(c.moment)",
        ),
    ),
    Candidate(
        "`year`, `month`, `day` elsewhere",
        ("year(c.day)", "month(c.day)", "day(c.moment)"),
        f"agrees; {_SPELLINGS}",
        ("month(c.day) = 6",),
        {
            "sqlite": {
                "year(c.day)": "CAST(substr(c.day, 1, 4) AS INTEGER)",
                "month(c.day)": "CAST(substr(c.day, 6, 2) AS INTEGER)",
                "day(c.moment)": "CAST(substr(c.moment, 9, 2) AS INTEGER)",
            },
            "postgresql": {
                "year(c.day)": "CAST(extract(year FROM c.day) AS bigint)",
                "month(c.day)": "CAST(extract(month FROM c.day) AS bigint)",
                "day(c.moment)": "CAST(extract(day FROM c.moment) AS bigint)",
            },
        },
    ),
    Candidate(
        "`EXTRACT(quarter …)`, `EXTRACT(week …)`",
        ("EXTRACT(quarter FROM c.day)", "EXTRACT(week FROM c.day)"),
        "SQLite lacks it",
        ("EXTRACT(week FROM c.day) = 1",),
        {
            "postgresql": {
                f"EXTRACT({part} FROM c.day)": f"CAST(extract({part} FROM c.day) AS bigint)"
                for part in ("quarter", "week")
            },
        },
    ),
    Candidate(
        "`date_trunc`",
        ("date_trunc('month', c.day)", "date_trunc('year', c.moment)"),
        f"agrees; {_SPELLINGS}",
        ("date_trunc('year', c.moment) = TIMESTAMP '2026-01-01 00:00:00'",),
        {
            "sqlite": {
                "date_trunc('month', c.day)": "substr(c.day, 1, 7) || '-01T00:00:00.000000'",
                "date_trunc('year', c.moment)": "substr(c.moment, 1, 4) || '-01-01T00:00:00.000000'",
            },
            "postgresql": {
                "date_trunc('month', c.day)": "date_trunc('month', CAST(c.day AS timestamp))",
            },
        },
    ),
    Candidate(
        "`date - date`, `date_diff('day', …)`",
        ("c.day - c.day2", "date_diff('day', c.day, c.day2)"),
        f"agrees; {_SPELLINGS}",
        ("c.day - DATE '2026-06-01' < 9",),
        {
            "sqlite": {
                "c.day - c.day2": "CAST(julianday(c.day) - julianday(c.day2) AS INTEGER)",
                "date_diff('day', c.day, c.day2)": "CAST(julianday(c.day2) - julianday(c.day) AS INTEGER)",
            },
            "postgresql": {"date_diff('day', c.day, c.day2)": "c.day2 - c.day"},
        },
    ),
    Candidate(
        "`date + integer`", ("c.day + c.whole",), _NOT_TOTAL, ("c.day + 1 = DATE '2026-06-01'",)
    ),
    Candidate(
        "casts of an `integer` to `bigint`, `double`, `text`",
        ("CAST(c.whole AS bigint)", "CAST(c.whole AS double)", "CAST(c.whole AS text)"),
        _ABOVE,
        ("CAST(c.whole AS text) = '7'",),
        {"postgresql": {"CAST(c.whole AS double)": "CAST(c.whole AS double precision)"}},
    ),
    Candidate(
        "casts of a `bigint` to `double`",
        ("CAST(c.big AS double)",),
        _ABOVE,
        ("CAST(c.big AS double) = 0.5",),
        {"postgresql": {"CAST(c.big AS double)": "CAST(c.big AS double precision)"}},
    ),
    Candidate(
        "casts of a `double` to `text`",
        ("CAST(c.real AS text)",),
        "each engine writes numbers in its own way",
        ("CAST(c.real AS text) = '0.5'",),
    ),
    Candidate(
        "casts of a `boolean` to `text`",
        ("CAST(c.flag AS text)",),
        "SQLite has no booleans",
        ("CAST(c.flag AS text) = 'true'",),
    ),
    Candidate(
        "casts of a `date` to `text`",
        ("CAST(c.day AS text)",),
        _ABOVE,
        ("CAST(c.day AS text) = '2026-06-01'",),
    ),
    Candidate(
        "casts of a `timestamp` to `text`",
        ("CAST(c.moment AS text)",),
        "each engine writes moments in its own way",
        ("CAST(c.moment AS text) = ''",),
    ),
    Candidate(
        "casts of a `date` to `timestamp`",
        ("CAST(c.day AS timestamp)",),
        f"agrees; {_SPELLINGS}",
        ("CAST(c.day AS timestamp) = c.moment",),
        {"sqlite": {"CAST(c.day AS timestamp)": "c.day || 'T00:00:00.000000'"}},
    ),
    Candidate(
        "casts of a `text`",
        ("CAST(c.word AS integer)", "CAST(c.word AS date)"),
        _NOT_TOTAL,
        ("CAST(c.word AS integer) = 9",),
    ),
    Candidate(
        "`+`, `-`, `*` of whole numbers",
        ("c.big + c.big2", "c.big * c.big2"),
        _NOT_TOTAL,
        ("c.big + 1 = 2",),
    ),
    Candidate(
        "`/`",
        ("c.whole / c.whole2",),
        f"{_NOT_TOTAL}; two engines divide whole numbers to whole ones",
        ("c.whole / 2 = 1",),
    ),
    Candidate(
        "`//`, `%`",
        ("c.whole // c.whole2", "c.whole % c.whole2"),
        _NOT_TOTAL,
        ("c.whole % 2 = 1",),
        {
            "sqlite": {"c.whole // c.whole2": "c.whole / c.whole2"},
            "postgresql": {"c.whole // c.whole2": "c.whole / c.whole2"},
        },
    ),
    Candidate(
        "`abs` of a `double`",
        ("abs(c.real)",),
        "SQLite keeps the sign of −0.0",
        ("abs(c.real) = 0.5",),
    ),
    Candidate("`abs` of a whole number", ("abs(c.big)",), _NOT_TOTAL, ("abs(c.big) = 3",)),
    Candidate(
        "`round`, `floor`, `ceil` of a `double`",
        ("round(c.real)", "floor(c.real)", "ceil(c.real)"),
        "engines round halves in different ways",
        ("round(c.real) = 1.0",),
    ),
    Candidate(
        "`count`",
        ("count(*)", "count(c.word)", "count(DISTINCT c.word)", "count(DISTINCT c.real)"),
        AT_THE_NODE,
        how=GATHERED,
    ),
    Candidate(
        "`min`, `max`",
        tuple(
            f"{function}(c.{name})"
            for function in ("min", "max")
            for name in EACH_TYPE
            if name != "flag"
        ),
        AT_THE_NODE,
        how=GATHERED,
    ),
    Candidate("`sum` of an `integer`", ("sum(c.whole)",), AT_THE_NODE, how=GATHERED),
    Candidate("`sum` of a `bigint`", ("sum(c.big)",), _NOT_TOTAL, how=GATHERED),
    Candidate(
        "`sum`, `avg` of a `double`",
        ("sum(c.real)", "avg(c.real)"),
        "the sum hangs on the order of the rows",
        how=GATHERED,
    ),
    Candidate(
        "`ORDER BY`",
        tuple(f"c.{name}" for name in EACH_TYPE),
        AT_THE_NODE,
        how=ORDERED,
    ),
)
CANDIDATES = (*CONDITIONS, *EXPRESSIONS)
"""In the order of the page."""
