"""Write ``docs/reference/log-types.md`` from the tables of log types themselves; a test keeps page and tables equal.

python tools/write_log_type_docs.py
"""

import sys
from pathlib import Path

from ostiary.signals.logtypes.registry import log_types, modules
from ostiary.signals.logtypes.table import LogType
from ostiary.signals.wellknown import FIELDS, PLACES
from ostiary.vocabulary.facts import Mark

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "log-types.md"
HEAD = """# Log types

Made by `tools/write_log_type_docs.py` from the tables in `src/ostiary/signals/logtypes/`; a test keeps page and tables
equal.

Each log type is a table of places: where a product keeps who, what, when, from where and how it ended. Use one by its
own name, `ostiary events import --format github_audit FILE…`, or let the record say what it is:
`--format panther` reads records with `p_log_type`, and envelopes

    {"log_type": "GitHub.Audit", "log": {…}, "received": "2024-05-01T10:00:00Z"}

- A record that tells no time is refused as `time_malformed`. In an envelope, `received` says when the record came in
  and is taken then, and only then; no time is made up.
- A record that tells what, but not who, is told as the doing of the place it comes from: the address, the device, the
  account, and at last the product (`subject_type` says which), never as that of a person.
- A record that tells neither who nor what is refused as `field_missing`.
- `log_type` may be a list of candidates: the best fitting table is taken. Without one, or with a name that is not in
  the list below, a record is guessed to be of a kind only when at least three of a table's places are filled, the
  action's among them; otherwise the well-known places alone are read.
- Whole records of CloudTrail, Kubernetes and Okta go through their own adapters (`cloudtrail`, `kubernetes_audit`,
  `okta`), which know their subjects better.

Beside the fields of its own table, every log type is searched for these in well-known places: {wellknown}.
The table of fields below names only what a table itself adds; `=` marks what is the same for every record.

Every record is also read for *marks*: what the action does in itself, whoever does it. They come from the verbs and
nouns in the action's name (`signals/deedwords.py`), from documented values and settings (`signals/markwords.py`,
`signals/markpatterns.py`, `signals/marknames.py`), and from what changed where a record tells old and new. The words
were chosen from the vendors' documentation and while looking at a part of Panther's rules only. The signals made of
them are in [signals](signals.md), family *deed*.

How well signals tell the alert events of a rule from its other events, under equal history and without the families
*novelty*, *time* and *quality*, by `.venv/bin/python benchmarks/risk_panther.py` (812 rules with both; hand-written
unit tests, so this is coverage of meaning, not detection):

| rules | every alert differs from every other event | some alert differs from some other event |
| --- | --- | --- |
| all 812 | 85.1 % | 94.0 % |
| the 597 looked at while choosing words | 87.4 % | 94.5 % |
| the 215 never looked at | 78.6 % | 92.6 % |

The choice went in two steps: first while looking at one half (404 rules); of the other half, none of it seen, 79.2 %
(92.4 %) were then told apart (at the commit "Know more of the words in which vendors document their events"); then one
half of that was looked at too. What stays together is mostly what only the organisation knows: which accounts, images,
domains and regions are its own, and which names are on a list of known bad ones.

The marks: {marks}.
"""
TABLE = ["| log type | `--format` | fields of its own |", "| --- | --- | --- |"]


def page() -> str:
    """Return the page's text."""
    head = HEAD.replace("{wellknown}", listed(PLACES)).replace("{marks}", listed(mark.value for mark in Mark))
    lines = [head]
    for module in modules():
        lines += [f"## {(module.__doc__ or '').strip().splitlines()[0]}\n", *TABLE, *map(row, module.TYPES), ""]
    lines.append(f"{len(log_types())} log types.")
    return "\n".join(lines) + "\n"


def listed(names: object) -> str:
    """Return names as code, in order."""
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def row(kind: LogType) -> str:
    """Return one log type's row."""
    fields = [f"{field}{'=' * kind.places[field].startswith('=')}" for field in FIELDS if field in kind.places]
    more = " An alert of the product." if kind.finding else ""
    return f"| {kind.name} | `{kind.format}` | {' '.join(fields)}.{more} |"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
