"""Writes the reference page of the session so far from its columns, so that page and code cannot differ.

python tools/write_session_docs.py
"""

import sys
from pathlib import Path

from ostiary.risk.session_columns import COLUMNS, FACETS, NAMES
from ostiary.risk.session_so_far import MOST_LIVE, MOST_SESSIONS, UNSEEN_S
from ostiary.risk.session_state import MOST_SEEN, MOST_THINGS
from ostiary.risk.trail import SITTING_S

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "session-columns.md"
HEAD = f"""# The session so far, column by column

What the session forest knows of a session beside the subject's trail and the most telling features of the access
([why](../adr/0019-the-session-so-far.md), [how well](../explanation/session-risk.md)). Written by
`python tools/write_session_docs.py` from `ostiary.risk.session_columns`.

- **rising**: more of it never lowers the session's score; the trees are held to it.
- A value stays what it was last told to be while the session is silent, and `so_far_silenced` rises. A column is empty
  (NaN) only until the session first tells it.
- Network, client, country, device and key are compared as checksums. "New" is what the subject's profile had never
  seen before.
- A session ends after {UNSEEN_S // 3_600} hours unseen, one without a name after {SITTING_S // 60} minutes. Kept are
  {MOST_SESSIONS} sessions a subject (the quietest goes), {MOST_LIVE:,} in all, {MOST_THINGS} resources and collections
  and {MOST_SEEN} values of each of {len(FACETS)} facets a session.
- Key and step-ups come from `AccessEvent.session`, which the server fills from its ledger of sessions; a request cannot
  tell them.

| column | unit | direction | what it is |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = (
        f"| `{name}` | {column.unit} | {'rising' if column.rising else 'free'} | {column.means} |"
        for name, column in zip(NAMES, COLUMNS, strict=True)
    )
    return HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page and say where."""
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
