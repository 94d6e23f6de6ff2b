"""Small made-up organisations for tests: who holds what, and which requests were granted.

- Each team holds its own tools; a planted oddity is a grant that nobody in the team shares.
- A request is mostly refused when somebody asks for another team's tool, and mostly granted otherwise.

>>> table = made_grants()
>>> table.rows > 100, sorted(table.columns)
(True, ['permission', 'user'])
"""

import random
from typing import Final

from ostiary.risk.entitlements.table import Table

ODD: Final = ("u3", "t2-tool1")  # u3 is in team 3 of 4: t3


def made_grants(seed: int = 5, *, teams: int = 4, people: int = 12, tools: int = 8) -> Table:
    """Return who holds what in a made-up organisation, the planted oddity among it."""
    luck = random.Random(seed)  # noqa: S311 - a made-up table
    pairs = [
        (f"u{person}", f"t{person % teams}-tool{tool}")
        for person in range(teams * people)
        for tool in range(tools)
        if luck.random() < 0.7  # noqa: PLR2004 - most of the team's tools
    ]
    pairs.append(ODD)
    return Table({"user": [user for user, _ in pairs], "permission": [item for _, item in pairs]}, len(pairs))


def made_requests(seed: int = 5, rows: int = 600, *, teams: int = 4) -> Table:
    """Return decided requests of a made-up organisation."""
    luck = random.Random(seed)  # noqa: S311 - a made-up table
    found: dict[str, list[str]] = {name: [] for name in ("row", "ACTION", "RESOURCE", "MANAGER", "TEAM", "TITLE")}
    for number in range(rows):
        team = luck.randrange(teams)
        other = luck.random() < 0.25  # noqa: PLR2004 - a quarter asks for what is not the team's
        owner = (team + luck.randrange(1, teams)) % teams if other else team
        refused = luck.random() < (0.7 if other else 0.02)
        cells = (
            str(number),
            "0" if refused else "1",
            f"tool{owner}-{luck.randrange(6)}",
            f"m{team}-{luck.randrange(3)}",
            f"team{team}",
            f"title{luck.randrange(5)}",
        )
        for column, cell in zip(found.values(), cells, strict=True):
            column.append(cell)
    return Table(found, rows)
