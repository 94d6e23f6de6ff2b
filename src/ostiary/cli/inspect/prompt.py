"""``ostiary inspect prompt``: whether what goes to a model holds an attack."""

from cyclopts import App


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(prompt)


def prompt() -> None:
    """Look for injected instructions."""
