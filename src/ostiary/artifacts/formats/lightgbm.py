"""LightGBM's own text: a head, one block a tree, importances, parameters; every number in it is looked at.

1. ASCII lines of ``name=value`` in blocks, each name once in a block, none but those LightGBM writes.
2. ``tree_sizes`` tells where each tree begins, for LightGBM jumps there: it must be true to the byte.
3. The arrays of a tree are as long as its number of leaves says; indices lie inside; the children make one tree.
4. No parameter names another file for LightGBM to read.
5. Classes, trees of an iteration and the objective's own classes are one number: LightGBM makes room by one of them and
   writes by the others. No carriage return: it ends a line for LightGBM.

https://github.com/microsoft/LightGBM/blob/master/src/boosting/gbdt_model_text.cpp
"""

import re
from typing import Final

from ostiary.artifacts.formats.lightgbm_tree import check_block
from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within
from ostiary.artifacts.formats.strict_json import strict_json

HEAD: Final = b"tree\n"
_TREES_END: Final = b"end of trees\n"
_ALLOWED_BYTES: Final = re.compile(rb"[^\t\n -~\x80-\xff]")
_HEAD_NAMES: Final = frozenset({
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "monotone_constraints", "feature_infos", "tree_sizes", "average_output",
})  # fmt: skip
_NEEDED: Final = ("version", "num_class", "num_tree_per_iteration", "max_feature_idx", "feature_names", "tree_sizes")
_VERSIONS: Final = frozenset({"v2", "v3", "v4"})
_FILES: Final = frozenset({
    "data", "valid", "train", "forcedsplits_filename", "forcedbins_filename", "machine_list_filename", "input_model",
    "parser_config_file", "initscore_filename", "valid_initscores", "config", "plugin", "parser_config_str",
})  # fmt: skip
_TOLD_BY_TRAINING: Final = frozenset({"data", "valid", "train"})  # never read when a model is loaded
_PARAMETER: Final = re.compile(r"\[([a-z0-9_]+): ?(.*)\]")
_IMPORTANCE: Final = re.compile(r"[^=\n]+=[0-9.e+-]+")
_NATURAL: Final = re.compile(r"[0-9]{1,10}")


def check_lightgbm(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check one LightGBM model.

    Raises:
        Misfit: any ``format_lightgbm_…``, ``format_tree_shape``, ``format_too_large``.
    """
    within("bytes", len(data), limits.max_tree_bytes)
    raw = bytes(data)
    if not raw.startswith(HEAD):
        raise Misfit("format_lightgbm_malformed", "it does not begin like a model of LightGBM")
    if _ALLOWED_BYTES.search(raw):
        raise Misfit("format_lightgbm_malformed", "it has characters that are no text")
    head_end = raw.find(b"\n\n")
    if head_end < 0:
        raise Misfit("format_lightgbm_truncated", "it ends inside its head")
    head = members(_text(raw[len(HEAD) : head_end]), _HEAD_NAMES)
    features = _check_head(head, limits)
    rest = _check_trees(raw, head_end + 2, head["tree_sizes"], features, limits)
    _check_tail(_text(raw[rest:]))


def members(text: str, names: frozenset[str]) -> dict[str, str]:
    """Return the ``name=value`` lines of a block.

    Raises:
        Misfit: ``format_lightgbm_malformed``.
    """
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, _, value = line.partition("=")
        if name not in names or name in found:
            raise Misfit("format_lightgbm_malformed", f"the line {shown(line)} is out of place")
        found[name] = value
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Misfit("format_lightgbm_malformed", "it is not UTF-8") from None


def _check_head(head: dict[str, str], limits: FormatLimits) -> int:
    missing = [name for name in _NEEDED if name not in head]
    if missing or head["version"] not in _VERSIONS:
        raise Misfit("format_lightgbm_malformed", "its head lacks a line or is of a version that is not known")
    features = natural(head["max_feature_idx"]) + 1
    names = head["feature_names"].split(" ")
    if len(names) != features or len(set(names)) != features:
        raise Misfit("format_lightgbm_malformed", f"it says {features} features and does not name as many")
    if "feature_infos" in head and len(head["feature_infos"].split(" ")) != features:
        raise Misfit("format_lightgbm_malformed", f"it says {features} features and does not describe as many")
    within("bytes in a name", max(map(len, names)), limits.max_name_bytes)
    _check_classes(head, limits)
    return features


def _check_classes(head: dict[str, str], limits: FormatLimits) -> None:
    classes, told = natural(head["num_class"]), head["tree_sizes"]
    within("classes", classes, limits.max_trees)
    if not classes or natural(head["num_tree_per_iteration"]) != classes:
        raise Misfit("format_lightgbm_malformed", "it has no class, or not a tree an iteration for each")
    if told and len(told.split(" ")) % classes:
        raise Misfit("format_lightgbm_malformed", "its last iteration has not a tree for each class")
    named = [word for word in head.get("objective", "").split(" ") if "num_class" in word]
    if any(word != f"num_class:{classes}" for word in named):
        raise Misfit("format_lightgbm_malformed", "its objective tells another number of classes")


def natural(text: str) -> int:
    """Return a number that is not negative.

    Raises:
        Misfit: ``format_lightgbm_malformed``.
    """
    if not _NATURAL.fullmatch(text):
        raise Misfit("format_lightgbm_malformed", f"{shown(text)} is no natural number")
    return int(text)


def _check_trees(raw: bytes, at: int, told: str, features: int, limits: FormatLimits) -> int:
    sizes = told.split(" ") if told else []
    within("trees", len(sizes), limits.max_trees)
    for number, size in enumerate(sizes):
        length = natural(size)
        if length > len(raw) - at:
            raise Misfit("format_lightgbm_truncated", f"tree {number} ends before its size says")
        check_block(_text(raw[at : at + length]), number, features)
        at += length
    if raw[at : at + len(_TREES_END)] != _TREES_END:
        raise Misfit("format_lightgbm_malformed", "its trees do not end where their sizes say")
    return at + len(_TREES_END)


def _check_tail(text: str) -> None:
    """Check what follows the trees; LightGBM reads the parameters again, Python reads the categories."""
    importances, begun, rest = text.partition("\nparameters:\n")
    for line in importances.strip("\n").split("\n"):
        if line not in {"", "feature_importances:"} and not _IMPORTANCE.fullmatch(line):
            raise Misfit("format_lightgbm_malformed", f"the line {shown(line)} is out of place")
    if not begun:
        raise Misfit("format_lightgbm_truncated", "it ends before its parameters")
    parameters, ended, categories = rest.partition("\nend of parameters\n")
    if not ended:
        raise Misfit("format_lightgbm_truncated", "it ends inside its parameters")
    for line in parameters.split("\n"):
        _check_parameter(line)
    _check_categories(categories.strip("\n"))


def _check_parameter(line: str) -> None:
    told = _PARAMETER.fullmatch(line)
    if line and told is None:
        raise Misfit("format_lightgbm_malformed", f"the line {shown(line)} is out of place")
    if told and told[1] in _FILES - _TOLD_BY_TRAINING and told[2]:
        raise Misfit("format_lightgbm_files", f"its parameter {shown(told[1])} names a file to read")


def _check_categories(text: str) -> None:
    if not text:
        return
    name, _, value = text.partition(":")
    if name != "pandas_categorical":
        raise Misfit("format_lightgbm_malformed", f"the line {shown(text)} is out of place")
    found = strict_json(memoryview(value.encode()))
    if found is not None and not isinstance(found, list):
        raise Misfit("format_lightgbm_malformed", "its categories are no list")
