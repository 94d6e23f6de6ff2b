"""The parameters that are known: what goes on as it is, and what is refused with a reason.

A parameter that is not known is refused: nobody would have looked at what it says. ``extra`` names of a deployment's
own servers are let through, and every text in them is looked at like all others.
"""

from typing import Final

_SHARED: Final = frozenset({"model", "stream", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls"})
_SHARED_MORE: Final = frozenset({"metadata", "store", "user", "service_tier", "safety_identifier", "prompt_cache_key"})
CHAT: Final = (
    _SHARED
    | _SHARED_MORE
    | {
        "messages",
        "frequency_penalty",
        "logit_bias",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream_options",
        "verbosity",
        "prediction",
        "modalities",
        "logprobs",
    }
)
RESPONSES: Final = (
    _SHARED
    | _SHARED_MORE
    | {
        "background",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "previous_response_id",
        "reasoning",
        "stream_options",
        "text",
        "truncation",
    }
)
EMBEDDINGS: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
PARAMETERS: Final = {"chat": CHAT, "responses": RESPONSES, "embeddings": EMBEDDINGS}

REFUSED: Final = {
    "audio": "answers in sound cannot be looked into",
    "function_call": "`functions` and `function_call` are out of date: use `tools` and `tool_choice`",
    "functions": "`functions` and `function_call` are out of date: use `tools` and `tool_choice`",
    "prompt": "a prompt that is kept elsewhere cannot be looked into: send its text",
    "top_logprobs": "probabilities tell tokens that the answer does not",
    "web_search_options": "tools of the model's own server are not guarded here: offer a function",
}
"""Why a parameter that clients know is not served."""

KEPT_HERE: Final = frozenset({"conversation", "previous_response_id"})
"""Ids of what this gateway keeps: looked up here, and told to nobody."""

OURS: Final = KEPT_HERE | frozenset({"metadata", "prompt_cache_key", "safety_identifier"})
"""What never goes on as it came: state at a model's server is shared by all who use its key."""
