"""The words under each setting: read from the sources when the documentation or the schema is asked for.

pydantic would read them too (``use_attribute_docstrings``), but of every class as it is made: a tenth of a second of
every command that reads settings, for words that nobody sees.

1. A setting's text is the string that follows its annotation in the body of its class.
2. A class inherits the texts of the settings that it inherits; one that it declares again has the text that it gives.
3. In a schema, a text that repeats what the section says of itself is left out, as pydantic does.

>>> from ostiary.server.settings.feed import FeedSection
>>> sorted(texts(FeedSection)) == sorted(FeedSection.model_fields)
True
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel


def texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the texts of a section's settings by their names; a setting without a text is absent."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel):
            found = {name: text for name, text in found.items() if name not in inspect.get_annotations(one)}
            found |= _texts_of(one.__module__).get(one.__name__, {})
    return {name: text for name, text in found.items() if name in model.model_fields}


def described(schema: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that pydantic made of ``model`` with the text of every setting in it."""
    definitions: dict[str, Any] = schema["$defs"]
    inner = {one.__name__: one for one in _sections(model)}
    told = {name: _described(one, inner[name], definitions) for name, one in definitions.items()}
    return {**_described(schema, model, definitions), "$defs": told}


@cache
def _texts_of(module: str) -> dict[str, dict[str, str]]:
    """Return the texts in a module by class and setting."""
    if not module.startswith(__package__):
        return {}  # pydantic's own base
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {part.name: dict(_texts_in(part)) for part in tree.body if isinstance(part, ast.ClassDef)}


def _texts_in(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(section.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words)
            case _:
                pass  # a method, or a setting without a text


def _sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield every section inside ``model``, however deep."""
    open_types: list[Any] = [field.annotation for field in model.model_fields.values()]
    while open_types:
        one = open_types.pop()
        open_types += get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
            open_types += [field.annotation for field in one.model_fields.values()]


def _described(shape: dict[str, Any], model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one section with its settings' texts; keys stay in order."""
    settings = dict(shape["properties"])
    for name, text in texts(model).items():
        said = definitions.get(settings[name].get("$ref", "").removeprefix("#/$defs/"), {})
        if said.get("description") != text:
            settings[name] = dict(sorted({**settings[name], "description": text}.items()))
    return {**shape, "properties": settings}
