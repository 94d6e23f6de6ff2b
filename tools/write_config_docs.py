"""Writes ``docs/reference/configuration.md`` from the settings' own texts: ``python tools/write_config_docs.py``."""

from itertools import groupby
from pathlib import Path

from ostiary.server.settings.load import documented

HEAD = """# Configuration

Made by `tools/write_config_docs.py` from the settings themselves; a test keeps page and code equal.

- Sources, the later wins: defaults · `ostiary.toml` in the data directory (or `--config FILE`) ·
  `OSTIARY_SECTION__KEY` · command-line options.
- Unknown keys are errors at every depth.
- Lists in variables are JSON: `OSTIARY_SERVER__TRUSTED_PROXIES='["10.0.0.0/8"]'`.
- A secret may lie in a file: `token_file` fills `token`.
- `ostiary config show --origin` tells every value and where it came from, secrets masked; `ostiary config schema`
  prints the JSON Schema.
"""


def main() -> None:
    """Write the page."""
    lines = [HEAD]
    for section, rows in groupby(documented(), key=lambda row: row["key"].partition(".")[0]):
        lines += [f"## `[{section}]`\n", "| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{row['key']}` | `{row['default'] or '-'}` | {row['text']} |" for row in rows]
        lines.append("")
    page = Path(__file__).parent.parent / "docs/reference/configuration.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
