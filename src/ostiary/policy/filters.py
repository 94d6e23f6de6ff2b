"""Policy as a condition on rows: OPA's own partial evaluation, in this process, as UCAST.

- A filter is a rule ``include`` in a package below ``ostiary.filters``. What it says of ``input.document`` is left
  unknown, everything else is known; what remains is a condition that a store can be asked for. ``None`` is a condition
  that never holds, an empty one always does.
- A residue that is no condition (`pe_fragment_error`) is refused: nothing is ever fetched first and filtered
  afterwards.
- The engine holds only the packages of filters and ``ostiary.lib``: OPA compiles all modules for every partial
  evaluation, which took 40 ms with the whole bundle and takes 3 with these.

>>> bundle = Bundle.of({"f.rego": '''package ostiary.filters.demo
... include if input.document.level <= input.subject.clearance
... '''})
>>> with FilterEngine(bundle) as engine:
...     engine.ucast("demo", {"subject": {"clearance": 2}})
{'field': 'document.level', 'operator': 'lte', 'type': 'field', 'value': 2}
"""

import re
import weakref
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.policy.bundle import Bundle
from ostiary.policy.limits import EngineSettings
from ostiary.policy.opa_library import load_library
from ostiary.vocabulary.unreadable import UNREADABLE

REFUSED: Final = "filter_not_understood"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_PACKAGE: Final = re.compile(r"^package\s+ostiary\.(?:filters\b|lib\b)", re.MULTILINE)
_encode: Final = msgspec.json.Encoder().encode


class _Found(msgspec.Struct):
    query: Any = None


class _Answer(msgspec.Struct):
    result: _Found | None = None
    error: dict[str, Any] | None = None


_decode: Final = msgspec.json.Decoder(_Answer).decode


class FilterEngine:
    """Partial evaluation of one bundle's filters. Several threads may ask at once."""

    def __init__(self, bundle: Bundle, settings: EngineSettings | None = None) -> None:
        """Compile the filters of a bundle.

        Raises:
            FaultyInputError: ``opa_…`` when they do not compile.
        """
        self._settings = settings or EngineSettings()
        self._opa = load_library().new_engine()
        try:
            for path, source in bundle.live_sources.items():
                if _PACKAGE.search(source):
                    self._opa.add_policy(path, source)
            self._opa.add_data(bundle.live_data)
        except BaseException:
            self._opa.close()
            raise
        self._end = weakref.finalize(self, self._opa.close)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def ucast(self, name: str, document: Mapping[str, Any]) -> Any:
        """Return the condition that a filter leaves for one asker; ``None`` when nothing can fulfil it.

        Args:
            name: of the filter: its package is ``ostiary.filters.NAME``.
            document: the input without ``document``, which is what is unknown.

        Raises:
            RefusedError: ``filter_not_understood``: the residue is no condition, or policy failed.
            UnavailableError: the engine cannot be asked.
        """
        if not _NAME.match(name):
            raise RefusedError(REFUSED, "the filter's name is none")
        known = {key: value for key, value in document.items() if key != "document"}
        text = _encode(known)
        if len(text) > self._settings.max_input_bytes or b"\0" in text:
            raise RefusedError(REFUSED, "the input of the filter is too long")
        try:
            answer = _decode(self._opa.compile_filters(f"data.ostiary.filters.{name}.include == true".encode(), text))
        except UNREADABLE as fault:
            raise UnavailableError("filter_unavailable", "the policy engine gave no filter") from fault
        if answer.error is not None:
            raise RefusedError(REFUSED, "the policy leaves something that is no condition on documents")
        return answer.result.query if answer.result is not None else None

    def close(self) -> None:
        """Release OPA's memory."""
        self._end()
