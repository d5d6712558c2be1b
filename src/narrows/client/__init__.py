"""The client of agency systems: connect, ask, explain; it plans, signs and verifies by itself."""
