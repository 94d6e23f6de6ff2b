"""Paths of the console that hold a name from outside: every character that is not plain is written with its code.

>>> subject_path("workload:spiffe://acme/job")
'/subjects/workload%3Aspiffe%3A%2F%2Facme%2Fjob'
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode


def subject_path(subject: str) -> str:
    """Return where a subject (``type:id``) is shown."""
    return f"/subjects/{_part(subject)}"


def session_path(handle: str) -> str:
    """Return where a session is shown."""
    return f"/sessions/{_part(handle)}"


def detection_path(name: str) -> str:
    """Return where a detection is shown."""
    return f"/detections/{_part(name)}"


def with_filters(path: str, filters: Mapping[str, str], **changed: str) -> str:
    """Return a path with those filters that are not empty, some of them changed."""
    wanted = {name: value for name, value in {**filters, **changed}.items() if value}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def _part(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
