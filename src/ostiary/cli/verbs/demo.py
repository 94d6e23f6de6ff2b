"""``ostiary demo``: play a story on a simulated organisation, with a real server, a real model and a real log."""

import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Annotated, Final

from cyclopts import Parameter

from ostiary.cli.demo.front_door import FrontDoor
from ostiary.cli.demo.scene import Ending, Scene, all_stories
from ostiary.cli.demo.stage import Stage
from ostiary.cli.demo.teller import Teller
from ostiary.cli.output import print_json, print_table
from ostiary.errors import FaultyInputError
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

FIRST: Final = "2am-dba"


def command(
    story: Annotated[str, Parameter(help="Which story; --stories lists them.")] = FIRST,
    *,
    data: Annotated[Path | None, Parameter(help="Keep everything in this directory. Default: a temporary one.")] = None,
    url: Annotated[str | None, Parameter(help="Ask this running server, which serves --data.")] = None,
    prepare: Annotated[bool, Parameter(negative="", help="Only make the data directory, then stop.")] = False,
    people: Annotated[int, Parameter(help="People and machines in the organisation.")] = 60,
    days: Annotated[int, Parameter(help="Days of history.")] = 30,
    stories: Annotated[bool, Parameter(negative="", help="List the stories, then stop.")] = False,
    json: Annotated[bool, Parameter(negative="", help="Machine-readable output.")] = False,
) -> None:
    """Play a story: simulated people, but a real server, a model trained on the spot, and a log that is verified.

    Exit code 0: the story went as told. 1: it did not, or broke off. 3: a defence did not hold.

    Without --url it starts a server of its own. To play against one that runs:
    `ostiary demo --prepare --data DIR`, then `ostiary up --data DIR`, then `ostiary demo --data DIR --url URL`.
    """
    known = all_stories()
    if stories:
        rows = [{"story": name, "sentence": module.SENTENCE} for name, module in known.items()]
        return print_json(rows) if json else print_table("stories", ("story", "sentence"), rows)
    if story not in known:
        raise FaultyInputError("story_unknown", f"`{story[:80]}` is no story: use one of {', '.join(known)}")
    if data is None and (url or prepare):
        raise FaultyInputError("option_missing", "--url and --prepare need --data")
    if url and not _served(known[story]):
        raise FaultyInputError("option_unused", f"`{story}` asks no server: leave --url out")
    teller = Teller(as_json=json)
    with ExitStack() as stack:
        root = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-demo-"))) / "data"
        stage = Stage.open(root, SystemClock(), people, days)
        if prepare or getattr(known[story], "LEARNED", True):  # a story of rules alone needs no history and no model
            stage.furnish(teller)
        ending = Ending.AS_TOLD if prepare else _play(known[story], stage, url, teller, stack)
    teller.end()
    if ending is not Ending.AS_TOLD:
        sys.exit(ending)
    return None


def _served(story: ModuleType) -> bool:
    """Return whether a story asks a server; one that attacks the product's own code needs none."""
    return bool(getattr(story, "SERVED", True))


def _free_port() -> int:
    """Return a port that is free now: tokens and proofs name the server's address, so it must be known beforehand."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _play(story: ModuleType, stage: Stage, url: str | None, teller: Teller, stack: ExitStack) -> Ending:
    if url is None and _served(story):
        teller.act("The server")
        teller.say(f"$ ostiary up --data {stage.places.root}")
        url = stack.enter_context(Served(stage.places.root, port=_free_port())).url
        teller.say(f"Ostiary serves {url}")
    # Without a server the door leads nowhere: a story that asks it all the same breaks off.
    door = FrontDoor(url, stage.places.pep_key.read_text("utf-8").strip()) if url else FrontDoor("", "")
    stack.callback(door.close)
    return Ending.of(story.perform(Scene(stage, door, teller, SystemClock())))
