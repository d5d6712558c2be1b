"""From text to a query whose names are bound. Knows the catalog; knows no policy and no holder."""
