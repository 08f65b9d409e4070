"""Answers to the further claims about magnesium and nerves, one module for each question."""
