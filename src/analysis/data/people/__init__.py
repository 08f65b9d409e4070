"""From raw tables to one row per person, and to the people of a study."""
