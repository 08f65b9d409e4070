"""Figures with their captions; computes nothing."""
