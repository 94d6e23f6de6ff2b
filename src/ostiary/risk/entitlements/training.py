"""Trains an entitlement model from tables: checks them, fits, and gives back the files that are to be signed."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import msgspec
import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements import card as cards
from ostiary.risk.entitlements.coding import Ints, Vocabulary
from ostiary.risk.entitlements.grant_fit import GrantSettings, fit_grants
from ostiary.risk.entitlements.grant_model import grant_files
from ostiary.risk.entitlements.lines import refusals
from ostiary.risk.entitlements.pair_rows import NAMES
from ostiary.risk.entitlements.request_fit import Progress, RequestSettings, fit_requests
from ostiary.risk.entitlements.request_model import request_files
from ostiary.risk.entitlements.shape import GRANT_KIND, REQUEST_KIND
from ostiary.risk.entitlements.table import Table

MOST_COLUMNS: Final = 16
_LEAST_DECIDED: Final = 20
_LEAST_GRANTS: Final = 50
_LEAST_SIDE: Final = 5
_LIBRARIES: Final = ("lightgbm", "numpy", "scikit-learn", "scipy")
_RESOURCES: Final = ("resource", "permission", "entitlement", "role")


class TrainedModel(msgspec.Struct, frozen=True):
    """A model that is not yet signed."""

    kind: str
    files: dict[str, bytes]
    card: cards.EntitlementCard


def train_requests(
    table: Table,
    decision: str,
    settings: RequestSettings,
    progress: Progress,
    *,
    identifier: str = "",
    features: Sequence[str] = (),
    resource: str = "",
    seen: Table | None = None,
) -> TrainedModel:
    """Train on decided requests; ``seen`` holds requests without a decision, which are counted only.

    Raises:
        FaultyInputError: ``requests_too_few``, ``table_too_wide``, ``table_column_missing``, ``decision_malformed``.
    """
    refused = refusals(table, decision)
    names = list(features) or [name for name in table.columns if name not in {decision, identifier}]
    _check_requests(names, int(refused.sum()), table.rows)
    columns = {name: [*table.column(name), *(seen.column(name) if seen else ())] for name in names}
    words = Vocabulary.of(columns)
    codes = words.codes(columns)
    fitted = fit_requests(codes, words.sizes, refused, settings, progress)
    sources = [cards.TableSource("decided requests", table.sha256, table.rows)]
    sources += [cards.TableSource("requests that are counted only", seen.sha256, seen.rows)] if seen else []
    card = cards.EntitlementCard(
        task=cards.REQUEST_TASK,
        protocol=(*cards.REQUEST_PROTOCOL, _counted(seen)),
        sources=tuple(sources),
        seed=settings.seed,
        settings=msgspec.to_builtins(settings),
        counts={"requests": table.rows, "refused": int(refused.sum()), "columns": len(names)},
        figures={
            "log_loss": float(log_loss(refused, fitted.inner)),
            "roc_auc": float(roc_auc_score(refused, fitted.inner)),
        },
        limits=cards.REQUEST_LIMITS,
        versions=_versions(),
    )
    files = request_files(fitted, words, codes, refused, identifier, _resource(names, resource))
    return TrainedModel(REQUEST_KIND, {**files, **cards.card_files(card)}, card)


def train_grants(table: Table, columns: tuple[str, str], settings: GrantSettings, progress: Progress) -> TrainedModel:
    """Train on who holds what.

    Raises:
        FaultyInputError: ``grants_too_few``, ``grants_all_given``, ``table_column_missing``.
    """
    cells = {name: table.column(name) for name in columns}
    words = Vocabulary.of(cells)
    pairs: Ints = np.unique(words.codes(cells) - 1, axis=0)
    users, permissions = (words.values[name] for name in columns)
    if len(pairs) < _LEAST_GRANTS or min(len(users), len(permissions)) < _LEAST_SIDE:
        text = f"{len(pairs)} grants of {len(users)} users are too few: {_LEAST_GRANTS} and {_LEAST_SIDE} are needed"
        raise FaultyInputError("grants_too_few", text)
    fitted = fit_grants(pairs, (len(users), len(permissions)), settings, progress)
    chances = np.concatenate([fitted.held, fitted.drawn])
    auc = [float(roc_auc_score(fitted.labels, fitted.single[:, at])) for at in range(len(NAMES))]
    card = cards.EntitlementCard(
        task=cards.GRANT_TASK,
        protocol=cards.GRANT_PROTOCOL,
        sources=(cards.TableSource("grants", table.sha256, table.rows),),
        seed=settings.seed,
        settings=msgspec.to_builtins(settings),
        counts={"grants": len(pairs), "users": len(users), "permissions": len(permissions)},
        figures={"roc_auc": float(roc_auc_score(fitted.labels, chances))},
        limits=cards.GRANT_LIMITS,
        versions=_versions(),
        single=dict(zip(NAMES, auc, strict=True)),
    )
    files = grant_files(fitted, pairs, users, permissions, columns)
    return TrainedModel(GRANT_KIND, {**files, **cards.card_files(card)}, card)


def _check_requests(names: Sequence[str], refused: int, rows: int) -> None:
    if min(refused, rows - refused) < _LEAST_DECIDED:
        text = f"{refused} refused of {rows} requests are too few: {_LEAST_DECIDED} of each decision are needed"
        raise FaultyInputError("requests_too_few", text)
    if not 2 <= len(names) <= MOST_COLUMNS:  # noqa: PLR2004 - something must go with something
        text = f"{len(names)} columns tell a request, 2 to {MOST_COLUMNS} are needed: choose with --features"
        raise FaultyInputError("table_too_wide", text)


def _resource(names: Sequence[str], wanted: str) -> str:
    if wanted and wanted not in names:
        raise FaultyInputError("table_column_missing", f"there is no column `{wanted[:80]}` among {', '.join(names)}")
    return wanted or next((name for name in names if name.lower() in _RESOURCES), names[0])


def _counted(seen: Table | None) -> str:
    if seen is None:
        return "Counts are of the decided requests alone."
    return (
        f"Counts are of the decided requests and of {seen.rows:,} more without a decision (transductive: if requests "
        "to be scored are among them, their values were counted, never their decisions)."
    )


def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}
