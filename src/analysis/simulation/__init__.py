"""Surveys whose truth is known: what intervals, tests and verdict are worth."""
