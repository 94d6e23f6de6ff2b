"""How a device stands at one moment: its level of trust, whether it is compliant, and why not.

Rules:

- ``reported`` needs a report that is not stale, ``attested`` a quote that is not stale besides; stale falls back.
- Compliant is who tells every required member, and each is good. Not told is not good; nor is stale, nor quarantined.
- The worst of all sources counts, so that a device cannot talk over what its manager says of it; and each must be
  fresh, so that silencing the manager does not help either. A manager that is no longer registered does not count.
- Ages grow: a patch that was ten days old when the report was made is eleven days old a day later.
- Judging is a function of device, rules and time; it changes nothing.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.model import OWN, Device, Reported, Standing
from ostiary.identity.devices.posture import worst_of
from ostiary.identity.devices.settings import DeviceRules
from ostiary.vocabulary.devices import DeviceFacts, Trust
from ostiary.vocabulary.facts import PostureFacts

_NEVER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is true of a device now; ``why`` lists what speaks against it, in a stable order."""

    trust: Trust
    standing: Standing
    why: tuple[str, ...]
    posture: PostureFacts | None
    posture_age_s: float | None
    attested_age_s: float | None
    due_ns: int

    @property
    def compliant(self) -> bool | None:
        """Whether it meets the rules; ``None`` when it never told anything."""
        return None if self.standing is Standing.UNJUDGED else self.standing is Standing.COMPLIANT


def judge(device: Device, rules: DeviceRules, now_ns: int) -> Judgement:
    """Return how ``device`` stands at ``now_ns``."""
    reports = _counted(device, rules)
    fresh = bool(reports) and all(_until(one, rules) > now_ns for one in reports)
    attested_until = device.attested_ns + rules.attestation_max_age_s * SECOND_NS if device.attested_ns else 0
    attested = attested_until > now_ns
    trust: Trust = "enrolled" if not fresh else "attested" if attested else "reported"
    posture = worst_of(_aged(one, now_ns) for one in reports) if reports else None
    why = _why(device, rules, posture, stale=not fresh, attested=attested)
    return Judgement(
        trust=trust,
        standing=_standing(device, why, posture),
        why=why,
        posture=posture,
        # several sources count, so the age is that of the oldest one that does
        posture_age_s=_age(min(one.at_ns for one in reports), now_ns) if reports else None,
        attested_age_s=_age(device.attested_ns, now_ns) if device.attested_ns else None,
        due_ns=_due(device, rules, attested_until, now_ns),
    )


def facts_of(device: Device, rules: DeviceRules, now_ns: int) -> DeviceFacts:
    """Return what the decision may know of ``device`` at ``now_ns``."""
    told = judge(device, rules, now_ns)
    posture = told.posture
    if posture is not None:
        posture = msgspec.structs.replace(
            posture,
            attested=told.trust == "attested" if device.ak else None,
            attestation_age_s=told.attested_age_s,
            report_age_s=told.posture_age_s,
        )
    return DeviceFacts(
        device_id=device.device_id,
        known=True,
        trust=told.trust,
        compliant=told.compliant,
        quarantined=device.quarantined_ns > 0,
        posture=posture,
        posture_age_s=told.posture_age_s,
        attested_age_s=told.attested_age_s,
        subject=device.subjects[0] if device.subjects else "",
        key=device.thumbprint,
    )


def _counted(device: Device, rules: DeviceRules) -> list[Reported]:
    known = device.reports.items()
    return [one for source, one in known if source == OWN or (device.tenant, source) in rules.producers]


def _standing(device: Device, why: tuple[str, ...], posture: PostureFacts | None) -> Standing:
    if device.quarantined_ns:
        return Standing.QUARANTINED
    if posture is None:
        return Standing.UNJUDGED
    return Standing.NOT_COMPLIANT if why else Standing.COMPLIANT


def _why(
    device: Device, rules: DeviceRules, posture: PostureFacts | None, *, stale: bool, attested: bool
) -> tuple[str, ...]:
    if device.quarantined_ns:
        return (device.quarantine_reason or "quarantined",)
    if posture is None:
        return ("posture_missing",)
    found = ["posture_stale"] if stale else []
    for name in rules.required:
        good = (
            (None if posture.rooted is None else not posture.rooted) if name == "not_rooted" else getattr(posture, name)
        )
        if not good:
            found.append(f"{name}_{'untold' if good is None else 'failed'}")
    if rules.patch_max_age_s and (posture.patch_age_s is None or posture.patch_age_s > rules.patch_max_age_s):
        found.append("patches_untold" if posture.patch_age_s is None else "patches_old")
    if rules.attestation_required and not attested:
        found.append("attestation_stale" if device.attested_ns else "attestation_missing")
    return tuple(found)


def _until(report: Reported, rules: DeviceRules) -> int:
    return report.at_ns + rules.posture_max_age_s * SECOND_NS


def _aged(report: Reported, now_ns: int) -> PostureFacts:
    patch = report.posture.patch_age_s
    if patch is None:
        return report.posture
    return msgspec.structs.replace(report.posture, patch_age_s=patch + _age(report.at_ns, now_ns))


def _age(since_ns: int, now_ns: int) -> float:
    return max(0.0, (now_ns - since_ns) / SECOND_NS)


def _due(device: Device, rules: DeviceRules, attested_until: int, now_ns: int) -> int:
    """Return the next moment at which time alone may change the judgement; 0 when it never will."""
    reports = _counted(device, rules)
    moments = [_until(one, rules) for one in reports]
    if rules.attestation_required:
        moments.append(attested_until)
    if rules.patch_max_age_s:
        moments += [
            one.at_ns + int((rules.patch_max_age_s - one.posture.patch_age_s) * SECOND_NS) + 1
            for one in reports
            if one.posture.patch_age_s is not None
        ]
    later = min((moment for moment in moments if moment > now_ns), default=_NEVER)
    return 0 if later == _NEVER or device.quarantined_ns else later
