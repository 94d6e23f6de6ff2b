"""Reads the environment by the types of the sections: nested names, and JSON for lists and sections.

It is imported only where a variable names a section: pydantic-settings takes as long to import as all sections do.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import create_model
from pydantic_settings import BaseSettings, EnvSettingsSource

from ostiary.server.settings.sections import Settings

# Only for its types; the sources are merged elsewhere, so that each origin is known.
_EnvironmentSettings = create_model(
    "_EnvironmentSettings",
    __base__=BaseSettings,
    **{name: (field.annotation, field.default) for name, field in Settings.model_fields.items()},  # type: ignore[call-overload]
)


def from_variables(variables: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Return what the variables that begin with ``prefix`` say, by section and key.

    Raises:
        SettingsError: a value that must be JSON is none.
    """
    source = EnvSettingsSource(_EnvironmentSettings, env_prefix=prefix, env_nested_delimiter="__")
    source.env_vars = {k.lower(): v for k, v in variables.items() if k.upper().startswith(prefix)}
    return source()
