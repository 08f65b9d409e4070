"""Measurement error of intake: what one recalled day says about the usual one, and a curve freed of it."""
