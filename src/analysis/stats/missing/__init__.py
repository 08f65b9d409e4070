"""Values that are missing: imputed, weighted for, or bounded."""
