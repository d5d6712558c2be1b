"""The gateway: plans, asks, merges. It keeps no rows, and adds nothing to what it passes on."""
