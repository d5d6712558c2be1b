"""What a holder releases: the language, the decision, and the binding to release views."""
