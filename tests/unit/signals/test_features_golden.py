"""What each feature said of a simulated month stays what it said: making it faster must not make it another number.

A file of digests, one a feature, of its values over a seeded history (nine digits, so that another C library's last bit
does not matter). A feature that is not in the file is not looked at. Who changes a feature on purpose writes the file
anew and says why in the commit:

    python tests/unit/signals/test_features_golden.py
"""

import json
from hashlib import sha256
from pathlib import Path

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation

FILE = Path(__file__).parent.parent.parent / "golden" / "features.json"


def digests() -> dict[str, str]:
    """Return the digest of every feature's values over the seeded history."""
    organisation = Organisation(people=16, days=6)
    enricher = Enricher(organisation.catalogue())
    columns = [sha256() for _ in features.NAMES]
    events = [enricher.enrich(event) for event in organisation.history()]
    for _, row in replay(events, ProfileBook("default", max_open=5)):
        for column, value in zip(columns, row, strict=True):
            column.update(f"{value + 0.0:.9g};".encode())
    return {name: column.hexdigest()[:16] for name, column in zip(features.NAMES, columns, strict=True)}


def test_features_say_what_they_said() -> None:
    wanted, found = json.loads(FILE.read_text()), digests()
    assert len(wanted) > 200
    gone = sorted(wanted.keys() - found.keys())
    assert not gone, "a feature that models were trained on is gone"
    changed = [name for name in wanted if found[name] != wanted[name]]
    assert not changed


if __name__ == "__main__":
    FILE.write_text(json.dumps(digests(), indent=1) + "\n")
