"""Files beside a model: configuration, tokenizer, index, card. Data only, and no order to run or fetch code.

- JSON is strict. A member that tells a loader to import code (``auto_map``, ``custom_pipelines``, Hydra's ``_target_``,
  any ``py/…`` of jsonpickle), a Keras ``Lambda`` layer (marshalled byte code), a layer of a module that is not Keras's
  own (which is imported), and an index that names files outside the folder are refused.
- Text is UTF-8 without control characters, and is not a pickle of protocol 0, which is text as well.

>>> check_json(memoryview(b'{"auto_map": {"AutoModel": "evil--model.Model"}}'))
Traceback (most recent call last):
ostiary.artifacts.formats.misfit.Misfit: `auto_map` tells a loader to fetch and run code
"""

import re
from typing import Any, Final

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within
from ostiary.artifacts.formats.strict_json import strict_json
from ostiary.artifacts.formats.xgboost import check_model, is_model

_CODE_MEMBERS: Final = frozenset({"_target_", "auto_map", "custom_pipelines", "trust_remote_code"})
_JSONPICKLE: Final = "py/"
_KERAS: Final = "keras"
_CODE_CLASSES: Final = frozenset({"Lambda", "TFOpLambda", "__lambda__"})
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_json(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check a JSON file; a model of XGBoost is one too, and checked as such.

    Raises:
        Misfit: a reason of strict JSON, ``format_companion_code``, ``format_companion_path``, ``format_xgboost_model``.
    """
    value = strict_json(data, limits)
    if is_model(value):
        check_model(value, limits)
    else:
        _check_members(value)


def _check_members(value: Any) -> None:
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(one for one in part if isinstance(one, (dict, list)))
        elif isinstance(part, dict):
            _check_object(part)
            waiting.extend(one for one in part.values() if isinstance(one, (dict, list)))


def _check_object(part: dict[str, Any]) -> None:
    for name in _CODE_MEMBERS & part.keys():
        if part[name]:
            raise Misfit("format_companion_code", f"`{name}` tells a loader to fetch and run code")
    pickled = next((name for name in part if name.startswith(_JSONPICKLE)), "")
    if pickled:
        raise Misfit("format_companion_code", f"{shown(pickled)} is a pickle's order in JSON")
    module = part.get("module")
    if "class_name" in part and isinstance(module, str) and module.partition(".")[0] != _KERAS:
        raise Misfit("format_companion_code", f"a layer is to be imported from {shown(module)}")
    if part.get("class_name") in _CODE_CLASSES if isinstance(part.get("class_name"), str) else False:
        raise Misfit("format_companion_code", f"a layer is {shown(part['class_name'])}, which is code")
    index = part.get("weight_map")
    if isinstance(index, dict):
        for name in index.values():
            if not isinstance(name, str) or not _PLAIN.fullmatch(name):
                raise Misfit("format_companion_path", f"its index names the file {shown(name)}")


def check_text(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check a Markdown or text file.

    Raises:
        Misfit: ``format_text_malformed``, ``format_too_large``.
    """
    within("bytes of text", len(data), limits.max_text_bytes)
    raw = bytes(data)
    if _CONTROL.search(raw):
        raise Misfit("format_text_malformed", "it has control characters")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise Misfit("format_text_malformed", "it is not UTF-8") from None
