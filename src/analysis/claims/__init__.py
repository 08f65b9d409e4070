"""Answers to the article's further claims, one module a question; each is a table of estimates."""
