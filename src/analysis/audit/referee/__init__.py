"""What a hostile referee asks of the curve: one module a question, all answers as rows of one table."""
