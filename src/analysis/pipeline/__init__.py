"""The stages, each from files to files."""
