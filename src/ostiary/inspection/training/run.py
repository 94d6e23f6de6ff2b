"""Trains everything: folds for figures and the mix, then the shipped weights, thresholds and manifest.

``python -m ostiary.inspection.training.run sources | fold NAME | final | lengths | card``;
``tools/train_inspection.sh`` does all in order. Nothing is fitted before every text is the one that was written down
(``manifest``).
"""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.inspection.learned.thresholds import parse_thresholds
from ostiary.inspection.prompt import open_prompt_inspector
from ostiary.inspection.training import (
    alike,
    bert,
    card,
    encoder,
    examples,
    final,
    folds,
    graph,
    lengths,
    linear,
    manifest,
    sets,
    write,
)
from ostiary.inspection.training.encoder import DATA, USER, EncoderSettings, Piece
from ostiary.inspection.training.extras import need
from ostiary.inspection.training.places import Places, pinned_module, places
from ostiary.inspection.training.recipe import AGAIN, SEED, SLOWER, drawn, left_over
from ostiary.inspection.training.scoring import Encode
from ostiary.vocabulary.labels import Channel


def say(text: str) -> None:
    """Tell how far it is, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a script's progress


def all_pieces(where: Places) -> list[Piece]:
    """Return what is learned from, without near neighbours of NotInject."""
    rng = np.random.default_rng(SEED)
    user = examples.user_pieces(where.texts, where.own, where.prose, rng)
    data = examples.data_pieces(where.texts, where.own, where.prose, rng)
    return examples.without_near([*user, *data], sets.notinject(where.texts))


def tokenizer_of(where: Places) -> Any:
    """Return the base's tokenizer."""
    return need("tokenizers").Tokenizer.from_file(str(where.base / write.TOKENIZER))


def fitted(where: Places, name: str, pieces: Sequence[Piece]) -> bert.Weights:
    """Return the encoder fitted on ``pieces``; one that is kept under that name is not fitted again."""
    kept = where.work / f"encoder-{name}.safetensors"
    files = need("safetensors.torch")
    if not kept.exists():
        weights, tokenizer = bert.base_weights(str(where.base / "model.safetensors")), tokenizer_of(where)
        chosen = drawn(pieces)
        weights = encoder.fit(chosen, weights, tokenizer, EncoderSettings(), say)
        again = [chosen[at] for at in np.random.default_rng(SEED + 3).permutation(len(chosen))[:AGAIN]]
        weights = encoder.fit(again, weights, tokenizer, SLOWER, say)
        files.save_file({key: value.contiguous() for key, value in weights.items()}, str(kept))
    return dict(files.load_file(str(kept)))


def fold_encoder(where: Places, name: str, pieces: Sequence[Piece]) -> Encode:
    """Return the encoder of a fold."""
    weights, tokenizer = fitted(where, name, pieces), tokenizer_of(where)

    def encode(texts: Sequence[str], head: int) -> encoder.Told:
        return encoder.told(weights, tokenizer, texts, head, write.MAX_TOKENS)

    return encode


def shipped_encoder(where: Places) -> Encode:
    """Return the quantised encoder as the program asks it."""
    runtime, tokenizer = need("onnxruntime"), tokenizer_of(where)
    session = runtime.InferenceSession(str(where.out / write.ENCODER), providers=["CPUExecutionProvider"])

    def encode(texts: Sequence[str], head: int) -> encoder.Told:
        return encoder.onnx_told(session, tokenizer, texts, head, write.MAX_TOKENS)

    return encode


def run_final(where: Places) -> str:
    """Fit on everything that may teach, write the weights, and return the digest of their manifest."""
    where.out.mkdir(parents=True, exist_ok=True)
    pieces = all_pieces(where)
    weights = fitted(where, "final", pieces)
    graph.write({name: value.numpy() for name, value in weights.items()}, where.out / write.ENCODER)
    (where.out / write.TOKENIZER).write_bytes((where.base / write.TOKENIZER).read_bytes())
    encode = shipped_encoder(where)
    told = {}
    for head, channel in enumerate(write.CHANNELS):
        mine = [piece for piece in pieces if piece.head == head]
        model = linear.fit(mine, [piece.weight for piece in mine])
        write.write_linear(where.out, channel, model)
        clean = sets.user_clean(where.texts) if head == USER else sets.data_clean(where.texts)
        foreign = examples.foreign(where.own, channel)
        likeness = None
        if head == DATA:
            likeness = alike.chosen(alike.documents(where), left_over(pieces), model, encode, say)
            write.write_likeness(where.out, likeness)
        told[channel] = final.numbers(head, model, encode, clean, foreign, likeness)
        say(f"{channel}: threshold {told[channel].threshold:.2f}, offsets {told[channel].offsets}")
    write.write_thresholds(where.out, told)
    digest = write.write_manifest(where.out)
    write.pin(pinned_module(), digest)
    return digest


def run_lengths(where: Places) -> str:
    """Set anew by how much long texts are lowered under the weights that are shipped; return the manifest's digest."""
    inspector = open_prompt_inspector(threads=2)
    told = parse_thresholds((where.out / write.THRESHOLDS).read_bytes()).channels
    found = {}
    for channel, clean in ((Channel.USER, sets.user_clean(where.texts)), (Channel.DATA, sets.data_clean(where.texts))):
        found[channel.value] = lengths.relined(inspector, channel, told[channel.value], clean)
        say(f"{channel.value}: offsets {found[channel.value].offsets['']}")
    write.write_thresholds(where.out, found)
    digest = write.write_manifest(where.out)
    write.pin(pinned_module(), digest)
    return digest


def run_card(where: Places) -> None:
    """Write the card from the figures that ``ostiary inspect evaluate --json`` left in the folder of work."""
    left, shipped = (
        msgspec.json.decode((where.work / f"{name}.json").read_bytes()) for name in ("leave-source-out", "shipped")
    )
    sizes = {path.name: path.stat().st_size for path in where.out.iterdir()}
    text = card.card(
        all_pieces(where),
        left,
        shipped,
        encoder=sizes[write.ENCODER] + sizes[write.TOKENIZER],
        linear=sum(sizes[write.weights_name(channel)] for channel in write.CHANNELS),
        sources=manifest.check_sources(where).digest,
    )
    (where.out / "card.md").write_text(text, "utf-8")


def main(arguments: Sequence[str]) -> None:
    """Do one step: ``sources``, ``fold NAME``, ``final``, ``lengths`` or ``card``."""
    where = places()
    where.work.mkdir(parents=True, exist_ok=True)
    match list(arguments):
        case ["sources"]:
            say(manifest.write_manifest(where))
        case ["fold", name]:
            manifest.check_sources(where)
            (fold,) = (one for one in folds.FOLDS if one.name == name)
            fitted(where, name, folds.left_out(all_pieces(where), fold))
        case ["final"]:
            manifest.check_sources(where)
            say(run_final(where))
        case ["lengths"]:
            say(run_lengths(where))
        case ["card"]:
            run_card(where)
        case _:
            raise FaultyInputError(
                "unknown_step", "the steps are `sources`, `fold NAME`, `final`, `lengths` and `card`"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
