"""How the log is written that a mapping reads: the part of a mapping under ``read``.

- ``as``: ``csv``, ``json`` (lines, an array, or an envelope's list), ``parquet``.
- ``empty``: words that mean nothing, such as ``-``.
- For ``csv``: ``delimiter``, ``quote``, ``header`` (true, false, or the columns' names), ``multiline``.
- For ``json``: ``envelope``, the keys of a document whose list holds the records.
"""

from typing import Any, Final

import msgspec

from ostiary.signals.anylog.document import Node, entries
from ostiary.signals.anylog.faults import at, hint
from ostiary.signals.anylog.tables import TableForm
from ostiary.signals.decoding import MAX_COLUMNS

FORMS: Final = ("csv", "json", "parquet")
KEYS: Final = ("as", "delimiter", "empty", "envelope", "header", "multiline", "quote")
_FOR: Final = {"delimiter": "csv", "header": "csv", "multiline": "csv", "quote": "csv", "envelope": "json"}
MAX_EMPTY: Final = 64
MAX_ENVELOPES: Final = 8


class Input(msgspec.Struct, frozen=True):
    """How a log is written.

    Attributes:
        form: ``csv``, ``json`` or ``parquet``.
        empty: texts that mean nothing.
        table: how the table is written, for ``csv``.
        envelopes: keys of a document whose list holds the records, for ``json``.
    """

    form: str
    empty: frozenset[str]
    table: TableForm | None = None
    envelopes: tuple[str, ...] = ()


def input_of(node: Node) -> Input:
    """Return what the part under ``read`` says.

    Raises:
        FaultyInputError: ``mapping_key``, ``mapping_missing``, ``mapping_value``.
    """
    entries(node, KEYS, "`read`")
    if "as" not in node.value:
        raise at(node.line, "mapping_missing", f"`read` needs `as`: {', '.join(FORMS)}")
    form = node.child("as").value
    if form not in FORMS:
        raise at(node.child("as").line, "mapping_value", f"`as`{hint(str(form), FORMS)}")
    for key, owner in _FOR.items():
        if key in node.value and form != owner:
            raise at(node.lines[key], "mapping_key", f"`{key}` goes with `as: {owner}`")
    empty = frozenset({"", *_texts(node, "empty", MAX_EMPTY)})
    if form == "csv":
        return Input(form, empty, _table(node))
    return Input(form, empty, None, _texts(node, "envelope", MAX_ENVELOPES))


def _table(node: Node) -> TableForm:
    delimiter, quote = _mark(node, "delimiter", ","), _mark(node, "quote", '"')
    if delimiter == quote:
        raise at(node.line, "mapping_value", "delimiter and quote are different characters")
    multiline: Any = node.child("multiline").value if "multiline" in node.value else False
    if not isinstance(multiline, bool):
        raise at(node.lines["multiline"], "mapping_value", "`multiline` is true or false")
    header: Any = node.child("header").value if "header" in node.value else True
    if isinstance(header, bool):
        return TableForm(delimiter, quote, header, (), multiline)
    names = _texts(node, "header", MAX_COLUMNS)
    if len(set(names)) != len(names):
        raise at(node.lines["header"], "mapping_value", "`header` has a name twice")
    return TableForm(delimiter, quote, header=False, names=names, multiline=multiline)


def _mark(node: Node, key: str, default: str) -> str:
    if key not in node.value:
        return default
    found = node.child(key).value
    if not isinstance(found, str) or len(found) != 1 or not found.isascii() or found in "\r\n " or found.isalnum():
        raise at(node.lines[key], "mapping_value", f"`{key}` is one character, no letter, digit, space or line break")
    return found


def _texts(node: Node, key: str, most: int) -> tuple[str, ...]:
    if key not in node.value:
        return ()
    child = node.child(key)
    items = child.value if isinstance(child.value, list) else [child]
    texts = [each.value for each in items]
    if not 0 < len(texts) <= most or any(not isinstance(text, str) for text in texts):
        raise at(node.lines[key], "mapping_value", f"`{key}` is a list of at most {most} texts")
    return tuple(text.strip() for text in texts)
