"""What a trained model is on disk: trees, schemas, calibrations, card, reference, and the groups' forests, if any."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.groups import EVERYBODY, GROUPS
from ostiary.risk.measure.reference import REFERENCE_FILE, reference_of
from ostiary.risk.schema import (
    CALIBRATION_FILE,
    CARD_FILE,
    MODEL_FILE,
    SCHEMA_FILE,
    SESSION_FILE,
    SESSION_NET_FILE,
    SESSION_SCHEMA_FILE,
    Column,
    Schema,
    file_of,
)
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_forest import SessionSchema
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.training.card import Card, encode_card, write_card
from ostiary.risk.training.contrast import OWN
from ostiary.risk.training.nets import SHARE
from ostiary.risk.training.prepare import Examples
from ostiary.risk.training.votes import Votes
from ostiary.risk.training.wings import Access, Mask, Session, scaling_of
from ostiary.risk.voting import BALLOT_FILE, part_file
from ostiary.signals.features import FEATURES, NAMES, SET_DIGEST

DEPTH: Final = "history_depth"
CARD_TEXT: Final = "card.md"


class Wing(msgspec.Struct, frozen=True):
    """What was learned of one group; ``examples`` and ``later`` are its rows."""

    examples: Examples
    later: Mask
    access: Access
    session: Session


def reference_file(wings: Mapping[str, Wing]) -> bytes:
    """Return how features and scores of own later accesses are spread."""
    everybody = wings[EVERYBODY]
    own = everybody.examples.kind[everybody.later] == OWN
    rows = everybody.examples.rows[everybody.later][own].astype(np.float64)
    groups = [GROUPS[number] for number in everybody.examples.group[everybody.later][own].tolist()]
    return reference_of(rows, everybody.access.scores[own], NAMES, groups)


def files_of(wings: Mapping[str, Wing], examples: Examples, card: Card, reference: bytes) -> dict[str, bytes]:
    """Return every file by its name."""
    told = 1.0 - np.isnan(examples.rows).mean(axis=0)
    columns = [
        Column(spec.name, spec.family, spec.monotone, round(float(share), 6), spec.topic)
        for spec, share in zip(FEATURES, told, strict=True)
    ]
    own = tuple(name for name in wings if name != EVERYBODY)
    settled = card.prepare.settled_days
    files = {
        SCHEMA_FILE: _json(Schema(SET_DIGEST, columns, DEPTH if DEPTH in NAMES else "", own, settled_days=settled)),
        CARD_FILE: encode_card(card),
        CARD_TEXT: write_card(card),
        REFERENCE_FILE: reference,
    }
    for name, wing in wings.items():
        features = tuple(NAMES[place] for place in wing.access.features)
        files[file_of(MODEL_FILE, name)] = wing.access.final.text.encode()
        files[file_of(SESSION_FILE, name)] = wing.session.final.text.encode()
        nets = wing.session.nets
        schema = SessionSchema(TRAIL, features, SO_FAR, wing.session.lean, SHARE if nets else 0.0)
        files[file_of(SESSION_SCHEMA_FILE, name)] = _json(schema)
        if nets is not None:
            files[file_of(SESSION_NET_FILE, name)] = _json(nets)
        files[file_of(CALIBRATION_FILE, name)] = _json(scaling_of(wing.access, wing.session))
        if wing.access.votes is not None:
            files |= _vote(wing.access.votes)
    return files


def _vote(votes: Votes) -> dict[str, bytes]:
    forests = {part_file(MODEL_FILE, number): one.text.encode() for number, one in enumerate(votes.finals)}
    return {BALLOT_FILE: _json(votes.ballot), **forests}


def _json(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
