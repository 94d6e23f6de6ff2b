"""The drill's command line.

    python -m ostiary_sdk.drill --pdp http://127.0.0.1:8181 --listen 8282 \
        --app http://127.0.0.1:8000/docs/1 --header "Authorization: Bearer $TOKEN" \
        --revoke "ostiary session terminate ID"

Exit codes: 0 everything held, 1 something was let through, 2 the drill could not tell.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable

import httpx

from ostiary_sdk.drill.checks import Drill, Outcome, Plan
from ostiary_sdk.drill.link import Link

_REFUSED = 400
_PROBE_S = 10.0


def main(arguments: list[str]) -> int:
    """Run the drill and say what it found."""
    told = _parser().parse_args(arguments)
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in told.header]
    plan = Plan(grace_s=told.grace, watch_s=told.watch)
    with Link(told.pdp, told.listen) as link, httpx.Client(timeout=_PROBE_S, trust_env=False) as client:
        _say(f"start the application with {link.url} as its decision point; probing {told.app}")

        def probe() -> bool:
            try:
                return client.request(told.method, told.app, headers=headers).status_code < _REFUSED
            except httpx.HTTPError:
                return False  # no answer lets nobody through

        report = Drill(link, probe, plan, _revoke(told.revoke)).run()
    for outcome in report.outcomes:
        _say(_line(outcome))
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ostiary_sdk.drill", description="Does an application fail closed?")
    parser.add_argument("--pdp", required=True, help="the real decision point")
    parser.add_argument("--listen", type=int, default=0, help="port for the application's connections")
    parser.add_argument("--app", required=True, help="address of something that the probe may do")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--header", action="append", default=[], help="header of the probe, such as its token")
    parser.add_argument("--revoke", default="", help="command that ends the probe's session")
    parser.add_argument("--grace", type=float, default=6.0, help="seconds that the application may use what it knows")
    parser.add_argument("--watch", type=float, default=2.0, help="seconds for which everything must be refused then")
    return parser


def _revoke(command: str) -> Callable[[], None] | None:
    if not command:
        return None

    def run() -> None:
        subprocess.run(shlex.split(command), check=True)  # noqa: S603 - the command that was asked for

    return run


def _line(outcome: Outcome) -> str:
    word = {True: "held     ", False: "LET THROUGH", None: "unknown  "}[outcome.held]
    more = outcome.note or (f"refused after {outcome.refused_s:.2f} s" if outcome.refused_s is not None else "")
    return f"{word} {outcome.name}: {outcome.passed} let through; {more}".rstrip("; ")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
