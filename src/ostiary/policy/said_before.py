r"""What OPA said before to the very bytes that it is shown again: rules say the same to the same.

- A question is kept from the second time on: what never comes again, such as one with a score, pushes nothing out.
- Nothing is kept of rules that could say another thing tomorrow: lint bans such builtins, and a bundle that has one of
  their names anywhere in a live source, whether lint saw it or not, has no memory (``constant``).
- What is shown names its tenant (``engine``): nobody learns by the time it takes what another tenant asked.
- Bounded in questions and in bytes; what is too long is asked again. Errors are never kept.
- Safe for several threads. Once closed it says nothing.

>>> said = SaidBefore()
>>> said.keep(b'{"risk":null}', b"first"), said.of(b'{"risk":null}')
(None, None)
>>> said.keep(b'{"risk":null}', b"first"), said.of(b'{"risk":null}')
(None, b'first')
"""

import re
import threading
from typing import Final

from ostiary.policy.bundle import Bundle
from ostiary.policy.lint import BANNED, BANNED_FAMILIES

MOST: Final = 256
MOST_SEEN: Final = 1024
LONGEST_QUESTION: Final = 2048
LONGEST_ANSWER: Final = 4096
# Names alone, wherever they stand: a comment that holds one costs the memory, and no odd spelling gains one.
_HARMLESS: Final = {"test.sleep", "trace"}
_FICKLE_NAMES: Final = {
    name.rpartition(".")[2]
    for name in BANNED
    if name not in _HARMLESS and name.partition(".")[0] not in BANNED_FAMILIES
}
_FICKLE: Final = re.compile(
    rf"\b(?:(?:{'|'.join(sorted(_FICKLE_NAMES))})\b|(?:{'|'.join(sorted(BANNED_FAMILIES))})\s*[.\[])"
)


def constant(bundle: Bundle) -> bool:
    """Return whether the live rules of a bundle say the same to the same, for all that their sources show."""
    return not any(_FICKLE.search(text) for text in bundle.live_sources.values())


class SaidBefore:
    """Answers of one question of one engine, by what was shown."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._answers: dict[bytes, bytes] = {}
        self._seen: set[int] = set()
        self._closed = False
        self._lock = threading.Lock()

    def of(self, shown: bytes) -> bytes | None:
        """Return what was said to these bytes, ``None`` where that is not known."""
        return self._answers.get(shown)

    def keep(self, shown: bytes, answer: bytes) -> None:
        """Take what was said, if these bytes came before."""
        if len(shown) > LONGEST_QUESTION or len(answer) > LONGEST_ANSWER or answer.startswith(b'{"error"'):
            return
        with self._lock:
            if hash(shown) not in self._seen:
                if len(self._seen) >= MOST_SEEN:
                    self._seen.clear()
                self._seen.add(hash(shown))
            elif not self._closed:
                if len(self._answers) >= MOST:
                    del self._answers[next(iter(self._answers))]
                self._answers[shown] = answer

    def close(self) -> None:
        """Forget everything, for good."""
        with self._lock:
            self._closed = True
            self._answers.clear()
