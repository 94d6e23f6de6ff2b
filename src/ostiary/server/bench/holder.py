"""One enforcement point of ``ostiary bench revocation``, in a process of its own: it holds grants and keeps serving.

It is told what to do on its standard input, one JSON object a line, and tells what happened on its standard output:

- ``{"hold": [QUESTION, …]}``: ask for them all, keep the grants, and serve them from then on in the background.
- ``{"watch": QUESTION}``: serve this one in a tight loop until it is refused; tell the moment.

Moments are those of the machine's monotonic clock, which all processes of one machine share.

    python -m ostiary.server.bench.holder URL  (the API key comes in OSTIARY_PEP_KEY)
"""

import itertools
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ostiary_sdk import Client, Decision, Question, Settings, question

BATCH: Final = 20
ROUNDS: Final = 20
SERVE_EVERY_S: Final = 0.005
LOOK_EVERY_S: Final = 0.001
GIVE_UP_S: Final = 30.0
HELD_S: Final = 3600.0  # far longer than any run: nothing but the feed takes a grant away


class Holder:
    """Holds grants of one enforcement point."""

    def __init__(self, client: Client) -> None:
        """Ask through ``client``."""
        self._client = client
        self._held: list[Question] = []
        self._served = 0

    def hold(self, asked: list[Question]) -> dict[str, Any]:
        """Ask for everything; return how much was granted and is kept."""
        if not self._client.wait_fresh(GIVE_UP_S):
            return {"error": "the feed did not begin"}
        left, refused = asked, list[Decision]()
        for _ in range(ROUNDS):  # a busy machine misses deadlines, and what it did not decide is asked again
            decided = [(one, decision) for part in _parts(left) for one, decision in self._decide(part)]
            self._held += [one for one, decision in decided if decision.allowed]
            refused = [decision for _, decision in decided if not decision.allowed]
            left = [one for one, decision in decided if not decision.allowed]
            if not left:
                break
        kept = sum(1 for one in self._held if self._client.ask(one).cached)
        threading.Thread(target=self._serve, daemon=True).start()
        return {"granted": len(self._held), "kept": kept, "refused": refused[0].reasons if refused else ()}

    def _decide(self, asked: list[Question]) -> Iterable[tuple[Question, Decision]]:
        return zip(asked, self._client.evaluations(asked), strict=True)

    def watch(self, asked: Question) -> dict[str, Any]:
        """Serve one session until it is refused; return the moment."""
        begun = time.monotonic()
        while (decision := self._client.ask(asked)).allowed:
            if time.monotonic() - begun > GIVE_UP_S:
                return {"error": "still allowed"}
            time.sleep(LOOK_EVERY_S)
        at_ns = time.monotonic_ns()
        return {"refused_ns": at_ns, "reasons": decision.reasons, "decided": decision.decided, "served": self._served}

    def _serve(self) -> None:
        for asked in itertools.cycle(self._held):
            self._client.ask(asked)
            self._served += 1
            time.sleep(SERVE_EVERY_S)


def main(url: str) -> None:
    """Do as told until there is nothing more to do."""
    settings = Settings(cache_s=HELD_S, timeout_s=10.0)
    with Client(url, os.environ["OSTIARY_PEP_KEY"], settings) as client:
        holder = Holder(client)
        for line in sys.stdin.buffer:
            told = msgspec.json.decode(line)
            if "hold" in told:
                _say(holder.hold([_read(one) for one in told["hold"]]))
            else:
                asked = _read(told["watch"])
                client.ask(asked)  # another session of the same person may have taken it away
                _say({"watching": client.ask(asked).cached})
                _say(holder.watch(asked))


def _parts(asked: list[Question]) -> Iterator[list[Question]]:
    return (asked[start : start + BATCH] for start in range(0, len(asked), BATCH))


def _read(told: dict[str, Any]) -> Question:
    return question(told.pop("action"), told.pop("resource"), **told)


def _say(told: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
