"""The feed of session changes for enforcement points: what it says, how it is kept, who reads it (ADR-0018)."""
