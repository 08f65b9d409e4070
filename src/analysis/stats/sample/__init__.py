"""The sampling design, and what is estimated without a model."""
