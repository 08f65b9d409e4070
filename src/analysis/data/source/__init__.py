"""The CDC's files: what they must hold, fetched, verified and read."""
