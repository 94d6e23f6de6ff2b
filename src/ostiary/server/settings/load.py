"""Loads the configuration and remembers where each value came from.

1. Later sources win: defaults, ``ostiary.toml``, environment (``OSTIARY_SECTION__KEY``), command-line options.
2. Unknown keys are errors in every source and at every depth; so is an unknown section in a variable's name.
3. A ``…_file`` key beside a secret reads the secret from that file; giving both is an error.
4. Errors name the key and the source, never the value: it may be a secret.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticUndefined

from ostiary.errors import FaultyInputError
from ostiary.server.settings.sections import Settings
from ostiary.server.settings.words import described, texts

PREFIX: Final = "OSTIARY_"
FILE_NAME: Final = "ostiary.toml"
MAX_SECRET_BYTES: Final = 65_536
MASK: Final = "********"


class Loaded(msgspec.Struct, frozen=True):
    """Settings with the origin of each; ``origins`` maps ``section.key`` to ``default`` or the name of a source."""

    settings: Settings
    origins: dict[str, str]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield key, value and origin of every setting; secrets are masked."""
        for key, value in _leaves(self.settings):
            shown = (MASK if value.get_secret_value() else "") if isinstance(value, SecretStr) else _plain(value)
            yield {"key": key, "value": shown, "origin": self.origins.get(key, "default")}


def load(
    file: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Load the settings.

    Args:
        file: the TOML file; it may be absent, but not broken.
        environ: environment variables, the process's own by default.
        options: nested values of command-line options.

    Raises:
        FaultyInputError: ``config_invalid``.
    """
    variables = os.environ if environ is None else environ
    sources = [
        (str(file) if file else FILE_NAME, _from_file(file)),
        ("environment", _from_environment(variables)),
        ("command line", dict(options or {})),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, values in sources:
        merged = _merge(merged, values)
        origins.update(dict.fromkeys(_paths(values), name))
    for key in [k for k, name in origins.items() if name == "environment"]:
        origins[key] = f"environment {PREFIX}{key.upper().replace('.', '__')}"
    _read_secret_files(merged, origins)
    try:
        return Loaded(Settings(**merged), origins)
    except ValidationError as error:
        raise _fault(_first(error, origins)) from None


def _fault(message: str) -> FaultyInputError:
    return FaultyInputError("config_invalid", message)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None or not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(f"`{file}` is not TOML: {error}") from None
    except OSError as error:
        raise _fault(f"`{file}` cannot be read: {error.strerror}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    sections = {name: name.upper().removeprefix(PREFIX).partition("__") for name in environ if _is_ours(name)}
    strange = [name for name, part in sections.items() if part[1] and part[0].lower() not in Settings.model_fields]
    if strange:
        raise _fault(f"the variable `{strange[0]}` names no section")
    if not any(part[0].lower() in Settings.model_fields for part in sections.values()):
        return {}
    from pydantic_settings.exceptions import SettingsError  # noqa: PLC0415 - slow, and few start with variables

    from ostiary.server.settings.environment import from_variables  # noqa: PLC0415 - the same

    try:
        return from_variables(environ, PREFIX)
    except SettingsError as error:
        raise _fault(f"the environment is malformed: {error}") from None


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith(PREFIX)


def _merge(low: dict[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``low`` with ``high`` laid over it, member by member."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def _paths(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _plain(value: object) -> Any:
    """Return ``value`` as JSON would hold it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _read_secret_files(merged: dict[str, Any], origins: dict[str, str]) -> None:
    """Fill each secret whose ``…_file`` is given."""
    for section, field in Settings.model_fields.items():
        values = merged.get(section)
        model = field.annotation
        if not (isinstance(values, dict) and isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for name, secret in model.model_fields.items():
            path = values.get(f"{name}_file")
            if secret.annotation is not SecretStr or path is None:
                continue
            if values.get(name):
                raise _fault(f"give either `{section}.{name}` or `{section}.{name}_file`")
            values[name] = _secret(Path(str(path)), f"{section}.{name}_file")
            origins[f"{section}.{name}"] = f"file {path}"


def _secret(path: Path, key: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        if len(content) > MAX_SECRET_BYTES:
            raise _fault(f"the file of `{key}` is longer than {MAX_SECRET_BYTES} bytes")
        return content.decode().strip()
    except (OSError, UnicodeDecodeError):
        raise _fault(f"the file of `{key}` cannot be read") from None


def _first(error: ValidationError, origins: Mapping[str, str]) -> str:
    """Return one sentence about the first error: the key, what is wrong, the source."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    what = "is no known setting" if first["type"] == "extra_forbidden" else _lower(first["msg"])
    origin = origins.get(key, "")
    return f"`{key}`: {what}" + (f" (from {origin})" if origin else "")


def _lower(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration file."""
    return {
        **described(Settings.model_json_schema(), Settings),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }


def documented() -> Iterator[dict[str, str]]:
    """Yield key, type, default and words of every setting, for the reference page."""
    yield from _documented(Settings, "")


def _documented(model: type[BaseModel], prefix: str) -> Iterator[dict[str, str]]:
    words = texts(model)
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _documented(inner, f"{prefix}{name}.")
            continue
        default = field.get_default(call_default_factory=True)
        shown = "" if default is PydanticUndefined or isinstance(default, SecretStr) else _plain(default)
        yield {
            "key": f"{prefix}{name}",
            "default": "" if shown is None else msgspec.json.encode(shown).decode().replace('""', ""),
            "text": words.get(name, "").replace("\n", " "),  # one row a setting
        }
