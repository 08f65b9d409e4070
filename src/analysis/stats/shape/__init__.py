"""Is it a U? End slopes, two lines, lowest point, threshold, and the verdict."""
