"""Spans of the walk, exported by OTLP and kept in a local store; no value is ever in one."""
