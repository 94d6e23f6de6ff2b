"""Bundles that are looked at again and again: read from the disk each time, parsed once for each digest.

Parsing a bundle's data takes a hundred times as long as reading and hashing its files. What is read is what is told: a
file that was changed has another digest, whatever its time and size say.
"""

import threading
from pathlib import Path
from typing import Final

from ostiary.keys import sha256_hex
from ostiary.policy.bundle import Bundle, listing
from ostiary.policy.bundle_files import read_files
from ostiary.policy.limits import BundleLimits

MOST: Final = 8
_lock = threading.Lock()
_parsed: dict[str, Bundle] = {}


def load_bundle(source: Path) -> Bundle:
    """Return the bundle in a folder or archive.

    Raises:
        FaultyInputError: ``bundle_…``, ``yaml_…``.
        UnavailableError: ``bundle_unreadable``.
    """
    files = read_files(source, BundleLimits())
    key = sha256_hex(listing(files))
    with _lock:
        known = _parsed.get(key)
    if known is not None:
        return known
    bundle = Bundle(files)
    with _lock:
        _parsed[key] = bundle
        while len(_parsed) > MOST:
            del _parsed[next(iter(_parsed))]
    return bundle
