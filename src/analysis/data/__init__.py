"""The survey files: where they come from, what they hold, and one row per person made of them."""
