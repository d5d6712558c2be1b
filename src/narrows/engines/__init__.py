"""Where a fragment or a merge runs: DuckDB, SQLite, and the pool of merge workers."""
