"""A trust rule: which workloads of an issuer are let in. A frozen list of restrictions, and all of them must hold.

Rules:

- it names an immutable id; a name alone is a configuration error;
- unknown keys, values of the wrong form and values that could never be right are errors when it is read;
- what its kind always demands (a ref of the repository's own, no proposals) comes first, then each key in its order.

>>> from ostiary.identity.workloads.found import kind_of
>>> read_rule(kind_of("github"), {"name": "train", "repository_owner_id": "7", "repository": "acme/models"})
Traceback (most recent call last):
...
ostiary.errors.FaultyInputError: rule `train` must say `repository_id`: a name can be given up and taken by others
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ostiary.errors import FaultyInputError
from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import MAX_VALUES, RuleKey, Values, WorkloadKind
from ostiary.identity.workloads.shapes import SLUG
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Failure, Restriction, Verdict

_NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class WorkloadRule:
    """One rule, ready to be asked.

    Attributes:
        values: what it says, defaults included, for remarks and documents.
    """

    name: str
    restrictions: tuple[Restriction, ...]
    values: Mapping[str, Values]

    def verify(self, claims: Claims) -> Verdict:
        """Return the first failure, or success when everything holds."""
        return self.judge(claims)[1]

    def judge(self, claims: Claims) -> tuple[int, Verdict]:
        """Return how many restrictions hold before the first that fails, and the verdict."""
        for place, restriction in enumerate(self.restrictions):
            verdict = restriction.verify(claims)
            if isinstance(verdict, Failure):
                return place, verdict
        return len(self.restrictions), HOLDS

    def verdicts(self, claims: Claims) -> Iterator[tuple[Restriction, Verdict]]:
        """Yield what each restriction says, for explanations."""
        for restriction in self.restrictions:
            yield restriction, restriction.verify(claims)


def read_rule(kind: WorkloadKind, given: Mapping[str, Any]) -> WorkloadRule:
    """Read a rule as an administrator writes it: a table of keys with a string, a list of strings or a flag each.

    Raises:
        FaultyInputError: ``identity_config_invalid``, with the key.
    """
    name = given.get(_NAME)
    if not isinstance(name, str) or not SLUG.fits(name):
        _faulty(f"a rule needs a `name` of {SLUG.words}")
    unknown = [key for key in given if key != _NAME and key not in kind.keys]
    if unknown:
        _faulty(f"rule `{name}` says `{str(unknown[0])[:40]}`, which rules of {kind.name} do not know")
    values = {key: _values(name, key, spec, given.get(key)) for key, spec in kind.keys.items()}
    _check_ids(kind, name, values)
    try:
        kind.check_rule(values)
    except ValueError as fault:
        _faulty(f"rule `{name}`: {fault}")
    made = (kind.keys[key].make(value) for key, value in values.items() if value)
    restrictions = (*kind.always, *(one for one in made if one is not None), *kind.joint(values))
    return WorkloadRule(name, restrictions, values)


def _check_ids(kind: WorkloadKind, name: str, values: Mapping[str, Values]) -> None:
    for key, spec in kind.keys.items():
        if spec.needed and not values[key]:
            why = ": a name can be given up and taken by others" if key in kind.immutable else ""
            _faulty(f"rule `{name}` must say `{key}`{why}")


def _values(rule: str, key: str, spec: RuleKey, given: object) -> Values:
    if given is None:
        return spec.default
    listed = [given] if isinstance(given, str | bool | int) else given
    if not isinstance(listed, list | tuple) or not 0 < len(listed) <= MAX_VALUES or (spec.single and len(listed) > 1):
        _faulty(f"`{key}` of rule `{rule}` must be {'one value' if spec.single else f'1 to {MAX_VALUES} values'}")
    texts = tuple(str(one).lower() if isinstance(one, bool | int) else one for one in listed)
    for text in texts:
        if not spec.shape.fits(text):
            _faulty(f"`{key}` of rule `{rule}` must be {spec.shape.words}")
        if spec.never and text in spec.never:
            _faulty(f"`{key}` of rule `{rule}` must not name `{text}`: {spec.never[text]}")
    return texts


def _faulty(message: str) -> NoReturn:
    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
