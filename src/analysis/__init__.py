"""Dietary magnesium and peripheral neuropathy in NHANES 1999-2004: a reported U-shape, reproduced and tested."""
