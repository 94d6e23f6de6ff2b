"""Write the reference of mappings from the code: keys, fields, shipped mappings; a key without words here is an error.

python tools/write_mapping_docs.py
"""

import sys
from pathlib import Path
from typing import Final

from ostiary.signals.anylog import conditions, context, document, inputs, mapping, paths, tables, times, values
from ostiary.signals.anylog.converters import OFFSET_FORMS
from ostiary.signals.anylog.shelf import shipped, shipped_names
from ostiary.signals.anylog.targets import GROUPS, TARGETS, Kind, Target
from ostiary.vocabulary.facts import Mark

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "mappings.md"
HEAD = """# Mappings

A mapping turns the columns of a log into access events: [how to write one](../how-to/map-any-log.md). This page is made
by `tools/write_mapping_docs.py` from the code itself; a test keeps page and code equal.
"""
TOP: Final = {
    "mapping": "its name: small letters, digits, `_`; becomes the `source` of the events. Needed.",
    "describe": "one line for a person",
    "read": "how the log is written. Needed.",
    "zone": "of times that say no offset: `UTC` (default), `+02:00`, `Europe/Berlin`",
    "malformed": "`reject` (default) or `ignore`: what becomes of a row in which an optional value does not fit",
    "skip": "conditions under which a row is no access: it is rejected as `row_skipped`; `because` says why",
    "event": "the fields, and where their values come from. Needed.",
}
READ: Final = {
    "as": "`csv`, `json` or `parquet`. Needed.",
    "empty": "texts that mean nothing, such as `-`; empty texts always do",
    "delimiter": "csv: between fields, `,` by default",
    "quote": 'csv: around a field, `"` by default; written twice inside',
    "header": "csv: `true` (default), `false` (columns are numbers from 1), or a list of the columns' names",
    "multiline": "csv: whether a quoted field may hold line breaks, `false` by default",
    "envelope": "json: keys of a document whose list holds the records",
}
VALUE: Final = {
    "column": "a column: its name or number in a table, a path `a.b[0]` or a list of steps in JSON and Parquet",
    "template": 'a text with columns in braces, `"{repo}/{area}"`; not told when one of them is not',
    "constant": "the same for every row; only `when` goes with it",
    "first": "a list of values: the first that is told counts",
    "when": "a condition, or a list of which one must hold; otherwise the value is not told",
    "map": "texts and what they mean; a text that it does not name passes as it is",
    "otherwise": "what a text means that `map` does not name",
    "default": "stands for what is not told",
    "required": "`true`: a row without it is rejected as `field_missing`",
    "malformed": "`reject` or `ignore`, for this value",
    "format": "of a time or an offset",
    "zone": "of a time that says no offset",
    "since": "fields that end in `_s`: the column is a moment in this format, the value its age in seconds",
    "scale": "numbers are multiplied by it",
    "split": "lists: a text is cut at it",
}
CONDITION: Final = {
    "column": "what is looked at",
    "is": "it is this text, or one of these",
    "is_not": "it is none of these; also when it is not told",
    "starts": "it begins with this text, or one of these",
    "ends": "it ends with this text, or one of these",
    "contains": "this is a part of the text, or a member of the list",
    "above": "it is a number greater than this",
    "below": "it is a number less than this",
    "told": "`true`: it is told; `false`: it is not",
    "all": "all of a list of conditions hold",
    "any": "one of a list of conditions holds",
    "not": "a condition does not hold",
}
HOLDS: Final = {
    Kind.ADDRESS: "an IP address",
    Kind.AMOUNT: "a number",
    Kind.COUNTRY: "two letters, ISO 3166-1",
    Kind.FLAG: "true, false, yes, no, 1, 0",
    Kind.LIST: "texts, at most 32",
    Kind.MARKS: "a condition for each mark, see below",
    Kind.MOMENT: "a time",
    Kind.OFFSET: f"minutes east of UTC; `format`: {', '.join(OFFSET_FORMS)}",
    Kind.TEXT: "a text",
    Kind.WHOLE: "a whole number",
}
CODES: Final = {
    "mapping_unreadable": "there is no such file, or it cannot be read",
    "mapping_malformed": "no UTF-8, no YAML, no single document, nothing in it",
    "mapping_characters": "control characters, or marks that reorder text",
    "mapping_alias": "an anchor or an alias",
    "mapping_tag": "a tag",
    "mapping_duplicate": "a key stands twice",
    "mapping_too_deep": f"more than {document.MAX_DEPTH} levels or {document.MAX_NODES:,} values",
    "mapping_too_large": f"more than {document.MAX_BYTES >> 10} KiB, {document.MAX_TEXT:,} characters in a value, "
    f"or {context.MAX_COLUMNS} columns",
    "mapping_key": "an unknown key, or one that does not go with this field or form",
    "mapping_missing": "a key or field that must be there",
    "mapping_field": "no field of an event, no mark",
    "mapping_value": "a value of the wrong kind",
    "mapping_column": f"no name, number or path of at most {paths.MAX_STEPS} steps",
    "mapping_template": f"no template of at most {paths.MAX_TEMPLATE} characters and {paths.MAX_PIECES} pieces",
}
ROWS: Final = {
    "row_skipped": "the mapping leaves such rows out",
    "field_missing": "what an event cannot do without, or a `required` value, is not told",
    "field_malformed": "a value does not fit its field",
    "time_malformed": "a time is not in its format, or not from 1970 to 2200",
    "record_malformed": "no row of as many fields as the header has; no JSON object",
    "record_too_large": f"more than one mebibyte, or {tables.MAX_LINES:,} lines with `multiline`",
    "header_malformed": "a header with a name twice, with too many columns, or that is no UTF-8: every row says so",
    "input_changed": "a Parquet file was changed while it was read: what was digested is not what was read",
    "input_truncated": "the log ends inside a record",
    "parquet_malformed": "no whole Parquet file",
    "parquet_too_large": "too many columns, or values that are too long",
    "parquet_bomb": "a row group that unfolds to more than is sound",
}


def page() -> str:
    """Return the page's text."""
    groups = ", ".join(f"`{name}`" for name in GROUPS)
    parts = [
        HEAD,
        "## Keys of a mapping\n",
        _words(mapping.KEYS, TOP, "key"),
        "## Keys under `read`\n",
        _words(inputs.KEYS, READ, "key"),
        "## Keys of a value\n",
        "A text alone is a column, or a template when it has braces. Otherwise exactly one of the first four keys.\n",
        _words(values.KEYS, VALUE, "key"),
        "Formats of a time: "
        + ", ".join(f"`{each}`" for each in times.FORMATS)
        + ", or a pattern of `strptime` that names",
        "year, month and day, such as `%d/%b/%Y:%H:%M:%S %z`. Without one: `iso8601`.\n",
        "## Conditions\n",
        "Several tests of one column must all hold; of a list of conditions one must.\n",
        _words(conditions.KEYS, CONDITION, "key"),
        "## Fields\n",
        f"Members of the groups {groups} are called by their dotted names. `tenant` and `source` are never mapped.\n",
        _table(
            ("field", "holds", "needed"), [(f"`{one.name}`", _holds(one), _needed(one)) for one in TARGETS.values()]
        ),
        "## Marks\n",
        "What an action does in itself: " + ", ".join(f"`{mark}`" for mark in Mark) + ".\n",
        "## Shipped mappings\n",
        _table(("mapping", "reads", "what"), [_shipped(name) for name in shipped_names()]),
        "## Codes of faults in a mapping\n",
        _table(("code", "what is wrong"), [(f"`{code}`", words) for code, words in CODES.items()]),
        "## Codes of rejected rows\n",
        _table(("code", "what is wrong"), [(f"`{code}`", words) for code, words in ROWS.items()]),
    ]
    return "\n".join(parts)


def _words(keys: tuple[str, ...], words: dict[str, str], title: str) -> str:
    if set(keys) != set(words):
        raise SystemExit(f"keys without words, or words without a key: {sorted(set(keys) ^ set(words))}")
    return _table((title, "says"), [(f"`{key}`", said) for key, said in words.items()])


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def _holds(target: Target) -> str:
    if target.kind is Kind.CHOICE:
        return ", ".join(f"`{each}`" for each in target.choices)
    bounds = (
        f", from {target.low:g} to {target.high:g}" if target.high < 2**40 and target.kind is not Kind.OFFSET else ""
    )
    return HOLDS[target.kind] + bounds


def _needed(target: Target) -> str:
    return "yes" if target.needed else "a digest of the row" if target.name == "event_id" else ""


def _shipped(name: str) -> tuple[str, ...]:
    found = shipped(name)
    if found is None:
        raise SystemExit(f"`{name}` is not there")
    return f"`{name}`", found.input.form, found.describe


def main() -> None:
    """Write the page and say where."""
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
