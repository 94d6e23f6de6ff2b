"""Sub-verbs of ``ostiary rag``."""
