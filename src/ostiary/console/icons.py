"""The icons, as the inside of an SVG: a page draws them in its own words, and no file is fetched for them."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_INSIDE: Final = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_PREFIX: Final = "icon-"


@cache
def icons() -> dict[str, str]:
    """Return the inside of each vendored icon by its name; ours to trust, being unchanged files of a package."""
    found = {}
    for one in files(__package__).joinpath("vendored").iterdir():
        if one.name.startswith(_PREFIX) and (inside := _INSIDE.search(one.read_text())):
            found[one.name.removeprefix(_PREFIX).removesuffix(".svg")] = " ".join(inside.group(1).split())
    return found
