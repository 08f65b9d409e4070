"""Figures and tables: they draw and format results and compute nothing."""
