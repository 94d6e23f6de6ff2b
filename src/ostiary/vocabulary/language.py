"""How deterministic code sees a language model: a text goes in, a text comes out, and neither is believed."""

from typing import Protocol


class LanguageModel(Protocol):
    """Answers a text. What it says is data from outside: parsed strictly, never run, never obeyed."""

    @property
    def name(self) -> str:
        """Which model it is, for the record."""
        ...

    def complete(self, instructions: str, data: str, max_chars: int) -> str:
        """Return the model's answer to ``instructions`` about ``data``, at most ``max_chars`` long.

        Raises:
            UnavailableError: it cannot be asked now.
        """
        ...
