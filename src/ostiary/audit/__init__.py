"""The transparency log: append, checkpoint, prove; and a verifier that shares none of that code."""
