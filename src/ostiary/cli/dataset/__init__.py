"""The verbs of ``ostiary dataset``."""
