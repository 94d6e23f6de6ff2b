"""A base install is small on purpose; what a verb needs beyond it is named with the one command that installs it.

>>> str(missing("uvicorn"))
"`uvicorn` is not installed: run `pip install 'ostiary[all]'`"
"""

from importlib.util import find_spec

from ostiary.errors import UnavailableError


def missing(module: str) -> UnavailableError:
    """Return the error that says how to mend the lack of ``module``."""
    return UnavailableError("extra_missing", f"`{module}` is not installed: run `pip install 'ostiary[all]'`")


def need(*modules: str) -> None:
    """Refuse to go on without ``modules``, before anything was begun.

    Raises:
        UnavailableError: ``extra_missing``.
    """
    for module in modules:
        if find_spec(module) is None:
            raise missing(module)


def missing_module(fault: BaseException | None) -> str:
    """Return the module of somebody else's that an import failed for, or nothing when the fault is ours."""
    while fault is not None:
        if isinstance(fault, ModuleNotFoundError) and fault.name and fault.name.partition(".")[0] != "ostiary":
            return fault.name.partition(".")[0]
        fault = fault.__cause__
    return ""
