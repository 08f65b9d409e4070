"""Errors of measurement of an exposure, from a second measurement of some."""
