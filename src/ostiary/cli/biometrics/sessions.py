"""``ostiary biometrics evaluate --labels``: sessions in which others take over, told window after window."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostiary.cli.biometrics.shared import LeftOut
from ostiary.cli.output import print_json, print_table
from ostiary.cli.risk.shared import check
from ostiary.errors import FaultyInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostiary.biometrics.model import Model
    from ostiary.biometrics.sequence.evaluate import Found
    from ostiary.biometrics.training import Row
    from ostiary.biometrics.window import Modality

_TESTS: Final = "test"
_LABELS: Final = "labels"


def read_rows(data: Path, kind: "Modality") -> "list[Row]":
    """Return the windows of a folder or file; what is left out is told."""
    from ostiary.biometrics.reading import read_people  # noqa: PLC0415 - the biometrics extra may be absent

    left_out = LeftOut()
    rows = read_people(data, kind, left_out)
    left_out.end()
    return rows


def tell_sessions(judge: "Model", rows: "Sequence[Row]", data: Path, labels: Path, *, json: bool) -> None:
    """Judge the sessions in the data's test files and print how each way came out."""
    from ostiary.biometrics.sequence.evaluate import evaluate, read_labels  # noqa: PLC0415 - as above
    from ostiary.biometrics.sequence.model import SequenceModel  # noqa: PLC0415

    if not isinstance(judge, SequenceModel):
        raise FaultyInputError("model_other", "the model is of another kind than `sequence`")
    files = sorted(data.glob(f"{_TESTS}*.jsonl*")) if data.is_dir() else []
    files = [path for path in files if _LABELS not in path.name]
    check(bool(files), "the data has no test files, whose windows follow those of its people")
    sessions = [row for path in files for row in read_rows(path, judge.modality)]
    left_out = LeftOut()
    others = read_labels(labels, left_out)
    left_out.end()
    found = evaluate(judge, _by_person(rows), _by_person(sessions), others)
    if json:
        print_json({"modality": judge.modality.value, "model": judge.digest, "sessions": found})
    else:
        columns = ["judged", "own", "others", "found at 1.3 %", "3.0 %", "4.6 % false alarms", "AUC", "EER", "taught"]
        print_table("others in people's sessions", columns, map(_row, found))


def _by_person(rows: "Sequence[Row]") -> "dict[str, list[Row]]":
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append(row)
    return found


def _row(one: "Found") -> "Mapping[str, str]":
    low, middle, high = (f"{100 * share:.1f} %" for share in one.found)
    return {
        "judged": one.way,
        "own": f"{one.own:,}",
        "others": f"{one.others:,}",
        "found at 1.3 %": low,
        "3.0 %": middle,
        "4.6 % false alarms": high,
        "AUC": f"{one.auc:.4f}",
        "EER": f"{100 * one.eer:.2f} %",
        "taught": f"{one.taught:,}" if "following" in one.way else "never",
    }
