"""Without the extras a verb says what is missing and how to mend it; a fault of ours stays a fault of ours."""

import pytest

from ostiary.cli.extras import missing_module, need
from ostiary.errors import UnavailableError


def wrapped(inner: BaseException) -> ImportError:
    outer = ImportError("Cannot import module 'ostiary.cli.verbs.up'")
    outer.__cause__ = inner
    return outer


def test_somebody_elses_missing_module_is_named() -> None:
    assert missing_module(wrapped(ModuleNotFoundError("no", name="uvicorn.config"))) == "uvicorn"


@pytest.mark.parametrize(
    "inner", [ModuleNotFoundError("no", name="ostiary.nowhere"), ImportError("cannot import name"), ValueError()]
)
def test_a_fault_of_ours_is_not_called_missing(inner: Exception) -> None:
    assert missing_module(wrapped(inner)) == ""


def test_what_is_needed_is_looked_for_first() -> None:
    need("json", "msgspec")
    with pytest.raises(UnavailableError, match=r"run `pip install 'ostiary\[all\]'`") as caught:
        need("json", "no_such_module_anywhere")
    assert caught.value.code == "extra_missing"
