"""``ostiary completion``: completion of verbs and options for your shell.

ostiary completion bash > ~/.local/share/bash-completion/completions/ostiary
ostiary completion zsh > "${fpath[1]}/_ostiary"
ostiary completion fish > ~/.config/fish/completions/ostiary.fish
"""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from ostiary.cli.app import build_app


def command(shell: Annotated[Literal["bash", "fish", "zsh"], Parameter(help="Your shell.")]) -> None:
    """Print the completion script for a shell."""
    sys.stdout.write(build_app().generate_completion(prog_name="ostiary", shell=shell))
