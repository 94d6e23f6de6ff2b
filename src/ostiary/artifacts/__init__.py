"""Model and bundle files: sign, and verify before load."""
