"""From a resolved query to fragments and a merge. Knows no policy."""
