"""README and docs/: the parts that are made of results, docstrings and tables, and the pages made of them."""
