"""Two versions of a policy: what one gives that the other does not, and a question that shows it."""
