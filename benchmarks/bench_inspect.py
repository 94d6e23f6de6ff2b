"""How long each stage of the inspection of prompts takes for 2,000 characters, and how many lines the command answers.

    python benchmarks/bench_inspect.py [--texts 60] [--rounds 5] [--json]

Texts are cut to exactly 2,000 characters from the open benign sources (``OSTIARY_SHARED``), chained where one is
shorter. Figures are medians of the texts, each the best of the rounds, in milliseconds: ``normalise``; ``rules``;
``readings``, what encodings and odd spellings would say; ``ngram``, one text's windows (``native``: by the C kernel);
``plain_ngram``, all of it at once by NumPy alone; ``user`` and ``data``, the whole inspector without the encoder;
``user_full`` and ``data_full`` with it, where weights are shipped. ``lines_per_s`` is the command, its start included.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ostiary.inspection.learned import kernel, ngram
from ostiary.inspection.learned.pieces import windows
from ostiary.inspection.prompt import open_prompt_inspector
from ostiary.inspection.prompt.readings import readings
from ostiary.inspection.prompt.rules import look
from ostiary.inspection.text import normalise
from ostiary.vocabulary.labels import Channel

LENGTH = 2000
SOURCES = ("arena_hard", "oasst_en100", "repo_docs_code")


def open_texts(count: int) -> list[str]:
    """Return ``count`` texts of exactly ``LENGTH`` characters."""
    folder = Path(os.environ.get("OSTIARY_SHARED", "../shared")) / "data" / "llm"
    whole = ""
    for name in SOURCES:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            whole += "\n\n".join(json.loads(line)["text"] for line in file) + "\n\n"
    step = max(LENGTH, (len(whole) - LENGTH) // count)
    return [whole[at : at + LENGTH] for at in range(0, len(whole) - LENGTH, step)][:count]


def median_ms(call: Callable[[str], object], texts: list[str], rounds: int) -> float:
    """Return the median over the texts of the best of the rounds."""
    best = []
    for text in texts:
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            call(text)
            taken.append(time.perf_counter() - began)
        best.append(min(taken))
    return round(statistics.median(best) * 1000, 4)


def stages(texts: list[str], rounds: int) -> dict[str, Any]:
    """Return the milliseconds of each stage."""
    plain = [normalise(text).text for text in texts]
    weights = np.ones(ngram.BUCKETS, np.int16)
    native = kernel.native()
    figures: dict[str, Any] = {
        "native": native is not None,
        "normalise": median_ms(normalise, texts, rounds),
        "rules": median_ms(lambda text: look(text.lower(), Channel.USER), plain, rounds),
        "readings": median_ms(lambda text: list(readings(normalise(text))), texts, rounds),
        "ngram": median_ms(lambda text: ngram.sums(text, windows(text), weights), plain, rounds),
        "plain_ngram": median_ms(lambda text: ngram.plain_indices(ngram.codes_of(text)), plain, rounds),
    }
    return figures


def whole(texts: list[str], rounds: int) -> dict[str, Any]:
    """Return the milliseconds of the whole inspector, without and with the encoder."""
    figures: dict[str, Any] = {}
    for ending, encoder in (("", False), ("_full", True)):
        inspector = open_prompt_inspector(encoder=encoder)
        if encoder and inspector.missing:
            figures["missing"] = inspector.missing
            continue
        for channel in (Channel.USER, Channel.DATA):
            inspector.inspect(texts[0], channel)  # loads what is loaded late
            call = lambda text, channel=channel, inspector=inspector: inspector.inspect(text, channel)  # noqa: E731
            figures[f"{channel.value}{ending}"] = median_ms(call, texts, rounds if not encoder else 1)
    return figures


def command(texts: list[str]) -> float:
    """Return the lines a second that the command answers, its start included."""
    rows = "".join(json.dumps({"id": at, "text": text, "channel": "user"}) + "\n" for at, text in enumerate(texts))
    words = [sys.executable, "-m", "ostiary.cli", "inspect", "prompt", "--jsonl"]
    began = time.perf_counter()
    told = subprocess.run(words, input=rows, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert len(told.stdout.splitlines()) == len(texts)
    return round(len(texts) / (time.perf_counter() - began), 1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    texts = open_texts(chosen.texts)
    figures = {**stages(texts, chosen.rounds), **whole(texts, chosen.rounds), "lines_per_s": command(texts)}
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:12} {figure}")


if __name__ == "__main__":
    main()
