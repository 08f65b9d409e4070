"""One study: from participants to its curve, tests and shape."""
