"""How much of a curve stands: many defensible analyses of one question, and the same question of other exposures."""
