"""What came from what: records of tokens, datasets, runs and models, read newest first and joined."""
