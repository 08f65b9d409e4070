"""Whether a fit can be believed: calibration, influence, collinearity, design effects."""
