"""The invented survey, written in the CDC's own layout."""
