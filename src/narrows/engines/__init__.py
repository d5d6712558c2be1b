"""Where a fragment or a merge runs: DuckDB, SQLite, PostgreSQL, and the pool of merge workers."""
