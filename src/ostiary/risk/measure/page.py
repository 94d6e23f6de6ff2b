"""The report as one HTML page: self-contained, dark or light as the reader has it, no script, nothing fetched.

- A content security policy in the page forbids every request, so that a name in a log cannot make one either.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.risk.measure.detection import Detection
from ostiary.risk.measure.drift import Moved
from ostiary.risk.measure.evaluate import Interval, Report
from ostiary.risk.measure.page_parts import (
    bars,
    bullets,
    cells,
    count,
    facts,
    number,
    reliability_drawing,
    section,
    share,
    text,
    timeline,
)
from ostiary.risk.measure.page_style import STYLE
from ostiary.risk.measure.shadow import Noisy, Shadow
from ostiary.risk.measure.sheet import Sheet
from ostiary.risk.measure.watching import Drift

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_NS: Final = 10**9
_FIGURES: Final = (
    ("roc_auc", "ROC-AUC"),
    ("average_precision", "AP"),
    ("recall_at_1_percent", "recall at 1 %"),
    ("recall_at_01_percent", "recall at 0.1 %"),
    ("brier", "Brier"),
    ("calibration_error", "ECE"),
)


def page(told: Sheet) -> str:
    """Return the page."""
    parts = [_head(told), _model(told), _card_figures(told), _gain(told), _levels(told)]
    if told.shadow:
        parts.append(_shadow(told.shadow))
    if told.measured:
        parts.append(_measured(told, told.measured))
    if told.drift:
        parts.append(_drift(told.drift))
    if told.notes:
        parts.append(section("What is not told", bullets(told.notes)))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{text(_POLICY)}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Access-risk model {text(told.digest[:19])}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(told: Sheet) -> str:
    made = f"made {day(told.created_ns)} by {told.producer or 'an unnamed producer'} for {told.tenant or 'any tenant'}"
    words = f'<p class="soft">{text(made)}</p><p><code>{text(told.digest)}</code></p>'
    return f'<h1>Access-risk model</h1>{words}<p class="caveat">{text(told.caveat)}</p>'


def _model(told: Sheet) -> str:
    card = told.card
    sources = [
        [
            str(one.get("origin", "")),
            count(one.get("events", 0)),
            count(one.get("rejected", 0)),
            f"{day(one.get('first_ns', 0))} to {day(one.get('last_ns', 0))}",
            str(one.get("sha256", ""))[:16],
        ]
        for one in card.get("sources", ())
    ]
    return section(
        "What it is",
        f"<p>{text(card.get('task', ''))}</p>",
        facts(
            [
                ("features", count(told.features)),
                ("trees", count(card.get("trees", 0))),
                ("subjects learned from", count(card.get("subjects", 0))),
                ("events learned from", count(card.get("events", 0))),
                ("base rate of the score", share(told.scaling.table.prior)),
            ]
        ),
        bullets(card.get("protocol", ())),
        cells(["source", "events", "rejected", "span (UTC)", "sha256"], sources) if sources else "",
        f'<p class="soft">manifest <code>{text(card.get("manifest", "untold"))}</code>, '
        f"seed {text(card.get('seed', 'untold'))}</p>",
    )


def _card_figures(told: Sheet) -> str:
    names = {
        "events_figures": "accesses",
        "sessions_figures": "sessions",
        "unseen_subjects": "sessions, unseen subjects",
    }
    rows = [
        [
            name,
            count(its.get("rows", 0)),
            count(its.get("positives", 0)),
            *(number(its.get(one)) for one, _ in _FIGURES),
        ]
        for key, name in names.items()
        if (its := told.card.get(key))
    ]
    titles = ["on the later slice", "rows", "impostors", *(title for _, title in _FIGURES)]
    borne = list(_card_groups(told.card.get("groups") or ()))
    groups = ["group", "own", "subjects", "threshold", "false positives", "subjects alarmed"]
    return section(
        "How it did on what it had not seen",
        cells(titles, rows),
        *(("<h3>False alarms by group</h3>", cells(groups, borne)) if borne else ()),
        "<h3>Known limits</h3>",
        bullets(told.card.get("limits", ())),
    )


def _card_groups(groups: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    for one in groups:
        for name, alarms in (one.get("rates") or {}).items():
            rate, alarmed = alarms.get("false_positive_rate"), alarms.get("subjects_alarmed", 0)
            counts = [count(one.get("own", 0)), count(one.get("subjects", 0))]
            yield [str(one.get("group", "")), *counts, f"at {name}", share(rate), count(alarmed)]


def _gain(told: Sheet) -> str:
    rows = [
        (one.family, one.gain, f"{share(one.gain)}, {one.features} feature{'s' if one.features != 1 else ''}")
        for one in told.families
    ]
    return section("Gain by family", bars(rows))


def _levels(told: Sheet) -> str:
    rows = [
        [name, number(levels.medium, 6), number(levels.high, 6)]
        for name, levels in (("access", told.scaling.event), ("session", told.scaling.session))
    ]
    words = (
        "<p class=soft>Of own behaviour one in a hundred reaches medium and one in a thousand high, by the card.</p>"
    )
    return section("Levels", cells(["of a", "medium from", "high from"], rows), words)


def _shadow(told: Shadow) -> str:
    groups = ", ".join(f"{count(number_of)} {group}" for group, number_of in told.subjects.items())
    levels = [(f"accesses at {one}", _of(told.levels.get(one, 0), told.accesses)) for one in ("medium", "high")]
    return section(
        "What it would have done",
        facts(
            [
                ("accesses", count(told.accesses)),
                ("sessions", count(told.sessions)),
                ("days", count(told.days)),
                ("subjects", count(sum(told.subjects.values()))),
                *levels,
                ("accesses without a score", count(told.unscored)),
            ]
        ),
        f'<p class="soft">{text(groups)}. Nothing was decided: these are counts over the given events.</p>',
        "<h3>Alarms over time: sessions at medium and above, high in amber</h3>",
        timeline(told.slices, day(told.first_ns), day(told.last_ns)),
        "<h3>What each threshold would cost</h3>",
        _candidates(told),
        "<h3>What policy would have been asked for, by the bundle's thresholds, before guardrails and phases</h3>",
        cells(
            ["strongest effect", "accesses", "subjects"],
            ([one.effect.replace("_", "-"), count(one.accesses), count(one.subjects)] for one in told.proposed),
        ),
        "<h3>The riskiest sessions: read them before anything is switched on</h3>",
        _riskiest(told),
        '<div class="two">',
        _noisy("Noisiest people", told.noisy_people),
        _noisy("Noisiest resources", told.noisy_resources),
        _noisy("Noisiest service accounts and jobs", told.noisy_others),
        "</div>",
    )


def _candidates(told: Shadow) -> str:
    titles = [
        "threshold",
        "from score",
        "alarms",
        "of sessions",
        "a day",
        "a day per 100 subjects",
        "subjects",
        "by group",
    ]
    rows = (
        [
            one.name,
            "none" if one.threshold is None else f"{one.threshold:.4g}",
            count(one.alarms),
            share(one.share),
            count(one.alarms_a_day),
            number(one.alarms_a_day_per_100, 3),
            count(one.subjects),
            ", ".join(f"{group} {count(its)}" for group, its in one.by_group.items()),
        ]
        for one in told.candidates
    )
    return cells(titles, rows)


def _riskiest(told: Shadow) -> str:
    rows = (
        [one.name, one.subject, day(one.time_ns), f"{one.score:.4f}", one.level, "; ".join(one.reasons)]
        for one in told.riskiest
    )
    return cells(["session", "subject", "day (UTC)", "score", "level", "reasons"], rows)


def _of(part: int, whole: int) -> str:
    return f"{count(part)} ({share(part / whole)})" if whole else count(part)


def _noisy(title: str, told: Iterable[Noisy]) -> str:
    rows = [[one.name, count(one.alarms), count(one.accesses)] for one in told]
    body = cells(["name", "alarms", "accesses"], rows) if rows else "<p class=soft>none</p>"
    return f"<div><h3>{text(title)}</h3>{body}</div>"


def _measured(told: Sheet, one: Report) -> str:
    ranking = [
        _row("ROC-AUC", one.roc_auc),
        _row("average precision", one.average_precision),
        *(_row(f"recall at {rate} false positives", figure) for rate, figure in one.recall.items()),
        *(_row(f"takeovers caught at {rate}", figure) for rate, figure in one.takeovers_caught.items()),
    ]
    budget = (
        "" if told.precision_at_budget is None else f" Precision within the budget: {share(told.precision_at_budget)}."
    )
    bands = [
        [f"{100 * band.low:g} to {100 * band.high:g} %", count(band.rows), share(band.predicted), share(band.seen)]
        for band in one.reliability
    ]
    return section(
        "How it did by the given verdicts",
        f"<p>{count(one.count)} sessions, {count(one.positives)} positive, {count(one.takeovers)} takeovers, "
        f"{count(one.subjects)} subjects.{text(budget)}</p>",
        cells(["figure", "value", "95 % interval"], ranking),
        f'<p class="soft">Intervals: {text(one.intervals)}.</p>',
        '<div class="two"><div><h3>Reliability at the set\'s own base rate</h3>',
        reliability_drawing(one.reliability),
        f"</div><div><h3>Brier {number(one.brier)}, ECE {number(one.calibration_error)}</h3>",
        cells(["predicted", "sessions", "mean", "seen"], bands),
        "</div></div><h3>Time to detect</h3>",
        cells(["at", "caught", "at once", "sessions, median", "hours, median"], _times(one.time_to_detect)),
        "<h3>False alarms by group</h3>",
        cells(["group", "threshold", "false positives", "accounts alarmed", "worst account"], _groups(one)),
    )


def _times(by_rate: Mapping[str, Detection]) -> Iterator[list[str]]:
    for rate, one in by_rate.items():
        middle = (number(one.sessions_median, 1), number(one.hours_median, 1))
        yield [f"{rate} false positives", f"{one.caught} of {one.takeovers}", share(one.at_once), *middle]


def _groups(one: Report) -> Iterator[list[str]]:
    for group in one.groups:
        for name, alarms in group.rates.items():
            rate, borne = share(alarms.false_positive_rate), share(alarms.subjects_alarmed_share)
            yield [
                group.group,
                f"at {name}",
                rate,
                f"{count(alarms.subjects_alarmed)} ({borne})",
                count(alarms.worst_subject),
            ]


def _row(name: str, figure: Interval) -> list[str]:
    between = "" if figure.low is None else f"{number(figure.low, 3)} to {number(figure.high, 3)}"
    return [name, number(figure.value), between]


def _drift(told: Drift) -> str:
    words = ", ".join(f"{its} {verdict}" for verdict, its in told.verdicts.items() if its)
    names = ["", "stability index", "KS", "missing at training", "missing now", "verdict"]
    scores = [
        _moved("score, all subjects", told.score),
        *(_moved(f"score, {one.name}", one) for one in told.groups.values()),
    ]
    return section(
        "How far the world moved since training",
        f"<p>{count(told.rows)} accesses against {count(told.reference_rows)} of training. "
        f"Features: {text(words)}.</p>",
        cells(names, scores),
        "<h3>Features that moved most</h3>",
        cells(names, (_moved(one.name, one) for one in told.features)),
        '<p class="soft">Below 0.1 is quiet, to 0.25 watch, above act: a habit of credit scoring, not a law.</p>',
    )


def _moved(name: str, one: Moved) -> list[str]:
    return [
        name,
        number(one.psi, 3),
        number(one.ks, 3),
        share(one.missing_before),
        share(one.missing_now),
        one.verdict,
    ]


def day(time_ns: Any) -> str:
    """Return the UTC day of a time, for people."""
    return datetime.fromtimestamp(int(time_ns) / _NS, UTC).strftime("%Y-%m-%d") if time_ns else "untold"
