"""Prompts looked into: what a user, a document or a tool says to a model, judged by rules and by what was learned."""

from ostiary.inspection.prompt.cascade import Cascade
from ostiary.inspection.prompt.opening import open_prompt_inspector

__all__ = ["Cascade", "open_prompt_inspector"]
