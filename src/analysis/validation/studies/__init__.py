"""Publications on the same people, recomputed: a file of rows per study, and what is done with a row."""
