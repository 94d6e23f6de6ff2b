"""Prompts looked into: what a user, a document or a tool says to a model, judged by rules and by what was learned."""
