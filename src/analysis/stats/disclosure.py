"""How few people are too few to be reported: one rule for every table and message."""

FEWEST_PEOPLE = 10
"""A cell of fewer people would tell of single ones: its numbers are left empty."""
