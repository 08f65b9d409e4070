"""The restricted cubic spline, and other forms of a curve."""
