"""The allow-list of file formats: data that no loader runs, each read by a strict parser of ours before any loader.

- safetensors, ONNX, LightGBM text, XGBoost JSON and UBJSON; JSON, Markdown, text and PNG beside them. Nothing else.
- The ending picks the parser, and every byte of the content must agree with it.
- A pickle, an archive that may hold one, or a file that is also one, is refused whatever its ending (``content``).
- Work and memory are bounded by the file's length: what a header claims is compared before anything is allocated.

>>> check_format("card.md", b"# a card")
>>> check_format("model.txt", bytes([0x80, 4]) + b"cos.system")
Traceback (most recent call last):
ostiary.errors.VerificationError: `model.txt` holds a pickle, which runs code when it is loaded
"""

from collections.abc import Mapping
from typing import Final

from ostiary.artifacts.formats.companions import check_json, check_text
from ostiary.artifacts.formats.content import begins_pickle, foreign, hides_pickle
from ostiary.artifacts.formats.lightgbm import check_lightgbm
from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Misfit, Parser, shown
from ostiary.artifacts.formats.onnx import check_onnx
from ostiary.artifacts.formats.png import check_png
from ostiary.artifacts.formats.safetensors import check_safetensors
from ostiary.artifacts.formats.xgboost import check_xgboost_ubjson
from ostiary.errors import VerificationError

__all__ = ["CODE", "DEFAULT_LIMITS", "FormatLimits", "Misfit", "check_format", "format_of", "judge"]

CODE: Final = "artifact_format_refused"
_ENDINGS: Final[Mapping[str, tuple[str, Parser]]] = {
    ".json": ("json", check_json),
    ".md": ("text", check_text),
    ".onnx": ("onnx", check_onnx),
    ".png": ("png", check_png),
    ".safetensors": ("safetensors", check_safetensors),
    ".txt": ("lightgbm", check_lightgbm),
    ".ubj": ("xgboost", check_xgboost_ubjson),
}
# Text files that go with a model under a name everybody knows; any other `.txt` must be a model of LightGBM.
_TEXTS: Final = frozenset({
    "license", "license.txt", "notice", "notice.txt", "readme.txt", "vocab.txt", "merges.txt", "labels.txt",
    "requirements.txt",
})  # fmt: skip


def check_format(name: str, data: bytes | memoryview, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check that ``data`` is of the allowed format that ``name`` claims.

    Args:
        name: the file's name; its ending says the format.
        data: the whole content; a memory map serves as well as bytes.
        limits: bounds on what it holds.

    Raises:
        VerificationError: ``artifact_format_refused``; its second reason is a ``format_…`` code that says why.
    """
    try:
        judge(name, memoryview(data), limits)
    except Misfit as fault:
        raise VerificationError(CODE, f"{shown(name)} {_sentence(fault)}", (fault.reason,)) from None


def format_of(name: str) -> str:
    """Return the format that a name claims, or nothing when it is of none that is allowed."""
    return _claimed(name)[0]


def judge(name: str, data: memoryview, limits: FormatLimits = DEFAULT_LIMITS) -> str:
    """Return the format that ``data`` truly is.

    Raises:
        Misfit: it is of no allowed format, or not the one its name claims, or something else besides.
    """
    claimed, parser = _claimed(name)
    if claimed == "safetensors":
        _judge_safetensors(data, limits)
        return claimed
    if begins_pickle(data):
        raise _pickle()
    _refuse_dangerous(data)
    if parser is None:
        raise Misfit("format_not_allowed", f"is of no allowed format: use {', '.join(sorted(_ENDINGS))}")
    parser(data, limits)
    return claimed


def _judge_safetensors(data: memoryview, limits: FormatLimits) -> None:
    """Look for other formats last: the length that a safetensors file begins with may look like half of them."""
    try:
        check_safetensors(data, limits)
    except Misfit:
        if begins_pickle(data) and any(data[2:8]):
            raise _pickle() from None
        _refuse_dangerous(data)
        raise
    _refuse_dangerous(data)


def _claimed(path: str) -> tuple[str, Parser | None]:
    name = path.rpartition("/")[2]
    if name.lower() in _TEXTS:
        return "text", check_text
    return _ENDINGS.get(name[name.rfind(".") :].lower() if "." in name else "", ("", None))


def _refuse_dangerous(data: memoryview) -> None:
    if hides_pickle(data):
        raise _pickle()
    found = foreign(data)
    if "archive" in found or "zlib" in found:
        raise Misfit("format_archive", f"holds a {found}, in which a pickle may hide")
    if found:
        raise Misfit("format_foreign", f"holds a {found}, which is of no allowed format")


def _pickle() -> Misfit:
    return Misfit("format_pickle", "holds a pickle, which runs code when it is loaded")


_WHOLE: Final = frozenset({"format_not_allowed", "format_pickle", "format_archive", "format_foreign"})


def _sentence(fault: Misfit) -> str:
    return fault.text if fault.reason in _WHOLE else f"is not what its ending says: {fault.text}"
