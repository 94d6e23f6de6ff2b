"""Where the command line keeps a sign-in, and the options that name it."""

import os
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.ids import check_tenant

Login = Annotated[str, Parameter(name="--as", help="Name of the sign-in, for several at once.")]
DEFAULT_LOGIN: Final = "default"


def login_folder(name: str) -> Path:
    """Return the folder of a sign-in: ``$OSTIARY_HOME``, else ``$XDG_CONFIG_HOME/ostiary``, else ``~/.config/ostiary``.

    Raises:
        FaultyInputError: ``tenant_invalid``: the name is none; it follows the rules of tenants' names.
    """
    home = os.environ.get("OSTIARY_HOME")
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return (Path(home) if home else Path(config) / "ostiary") / "logins" / _checked(name)


def _checked(name: str) -> str:
    try:
        return check_tenant(name)
    except FaultyInputError as fault:
        raise FaultyInputError("login_name_invalid", f"`{name[:40]}` is no name of a sign-in") from fault
