"""Narrows: a federated query gateway. Import what you need from its packages.

Nothing is exported here on purpose: importing `narrows.core.ledger` runs this file, and a
receipt must verify without SQL, Arrow or gRPC.
"""
