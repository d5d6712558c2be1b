"""Where ledgers and keys rest: the files behind `core.ledger`, and nothing that decides."""
