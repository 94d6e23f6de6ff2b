"""Backups: a consistent copy of a data directory, signed by the log's own key; verified, and restored as one log."""
