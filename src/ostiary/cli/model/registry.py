"""``ostiary model add|register|promote|…``: the registry's sub-verbs, imported only when one of them is asked for."""

from typing import Final

from cyclopts import App

VERBS: Final[dict[str, tuple[str, str]]] = {
    "add": ("adding:add", "Make a model known to policy; versions come in by `register`."),
    "approve": ("approving:approve", "Approve exactly one deed with your key."),
    "history": ("reading:history", "Tell everything that happened to a model, from the log alone."),
    "lineage": ("tracing:lineage", "Tell where a model comes from, and where it answers."),
    "list": ("reading:list_", "List a tenant's models with what is live."),
    "live": ("reading:live", "Tell which version was live at a moment, from the log alone."),
    "load": ("loading:load", "Take what is live in a stage out of the registry, verified."),
    "own": ("tracing:own", "Tell which of Ostiary's own models are there, with card and kept figures."),
    "promote": ("promoting:promote", "Make a version live in a stage."),
    "quarantine": ("shutting:quarantine", "Shut a version out, wherever it is live."),
    "refusals": ("tracing:refusals", "Tell what was refused of models, with the exact reason."),
    "register": ("registering:register", "Verify a signed folder whole, and keep it as the next version."),
    "release": ("shutting:release", "Let a quarantined version in again."),
    "release-key": ("adding:release_key", "Print the public key of what the registry releases."),
    "report": ("approving:report", "Sign a validation report."),
    "retire": ("shutting:retire", "Give a version up for good."),
    "revoke": ("shutting:revoke", "Take an approval back."),
    "rollback": ("promoting:rollback", "Make a version live again that was live before."),
    "show": ("reading:show", "Show every version and stage of a model."),
    "wanted": ("approving:wanted", "Print what an approval must say."),
    "withdraw": ("promoting:withdraw", "Let nothing be live in a stage any more."),
}


def register(command: App) -> None:
    """Add the sub-verbs by their import paths."""
    for name, (path, words) in VERBS.items():
        command.command(f"ostiary.cli.registry.{path}", name=name, help=words)
