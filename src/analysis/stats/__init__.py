"""Survey inference and splines on plain arrays; nothing here knows NHANES."""
