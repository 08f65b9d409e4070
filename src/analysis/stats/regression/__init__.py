"""Regression under the design: fits, tests, bands."""
