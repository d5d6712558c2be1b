"""The ledger's formats and proofs, pure: a receipt verifies with this package alone.

Nothing here reaches SQL, Arrow, gRPC or a key: signing and verifying come in as protocols
(`note.Signer`, `note.Verifier`), stored hashes as `tree.HashReader`.
"""
