"""Text is looked into: what goes to a model for injection, what comes from it for leaks, stream or not."""
