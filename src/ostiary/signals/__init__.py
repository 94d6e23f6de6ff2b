"""Access events, their adapters, enrichment, profiles and the signal catalogue."""
