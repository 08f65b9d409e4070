"""Single foods as recalled: another grain than people, one row per food or drink, and the groups they belong to."""
