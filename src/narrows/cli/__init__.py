"""The command `narrows`: one file a family of commands."""
