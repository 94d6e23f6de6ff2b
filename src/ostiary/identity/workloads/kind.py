"""What a kind of workload declares: how its tokens look, what is immutable in them, and what rules can say.

Laws that all kinds keep (``tests/laws/test_workload_laws.py`` finds them by reflection): each immutable claim is
required and typed, each rule needs one, the subject's id is made of immutable claims alone, and a claim that is
dropped or altered never turns a refusal into an acceptance.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ostiary.identity.workloads.shapes import Shape
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Restriction, Verdict

Values = tuple[str, ...]
MAX_VALUES: Final = 100


def as_told(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims as they are: the kind has nothing to take apart."""
    return claims


def nothing_wrong(_: Claims) -> Verdict:
    """Hold: the kind has nothing to say here."""
    return HOLDS


def no_remarks(_: Mapping[str, Values]) -> Iterable[str]:
    """Say nothing."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKey:
    """Something that a rule of this kind can say.

    Attributes:
        text: what it means, for people.
        shape: the form of each value.
        make: the restriction that it becomes; ``None``: only read by another key's (see ``WorkloadKind.joint``).
        needed: whether each rule must say it.
        default: what holds when a rule does not say it; ``()`` for nothing.
        never: values that no rule may name, with the reason why.
        single: whether it takes one value only.
        name_only: whether it is a name, which may stand beside immutable ids and never instead of them.
    """

    text: str
    shape: Shape
    make: Callable[[Values], Restriction | None]
    needed: bool = False
    default: Values = ()
    never: Mapping[str, str] | None = None
    single: bool = False
    name_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """One kind of workload.

    Attributes:
        name: its name in settings.
        text: one sentence for people.
        subject_type: AuthZEN type of its subjects, unless the settings say another.
        issuer: the issuer that the settings need not name, or empty.
        jwks_url: where that issuer's keys are.
        key_form: in which form its issuers publish keys.
        algorithms, token_types: accepted ``alg`` and ``typ``.
        headers: the only header members it may have; empty for any.
        max_lifetime_s: longest accepted time between ``iat`` and ``exp``, unless the settings say another.
        exchanged_once: whether a token is good for one exchange (``identity.exchange``), whatever the settings say.
        required, optional: claims with their form, after ``flatten``; others are not looked at.
        immutable: required claims that can never pass to another workload.
        shown: claims that reach policy, as ``input.subject.identity.claims``.
        instance: which of them name the one run, job or pod: each has a budget of its own (``exchange.grant``).
        keys: what rules can say, in the order in which it is checked.
        always: restrictions that every rule has, checked first.
        joint: restrictions made of several keys of a rule at once, checked last.
        subject: the subject's id, from claims and the authority's name.
        flatten: takes nested claims apart; may raise ``RefusedError``.
        recognise: whether it is a token of this kind at all; asked before its dates.
        agree: whether the claims agree with each other.
        check_rule: raises ``ValueError`` for a rule that cannot be meant.
        remarks: what an administrator should know of a rule that is allowed.
    """

    name: str
    text: str
    subject_type: str
    algorithms: tuple[str, ...]
    token_types: tuple[str, ...]
    max_lifetime_s: int
    required: Mapping[str, Shape]
    optional: Mapping[str, Shape]
    immutable: tuple[str, ...]
    shown: tuple[str, ...]
    keys: Mapping[str, RuleKey]
    subject: Callable[[Claims, str], str]
    issuer: str = ""
    jwks_url: str = ""
    key_form: Literal["jwks", "spiffe_bundle"] = "jwks"
    headers: frozenset[str] = frozenset()
    exchanged_once: bool = False
    instance: tuple[str, ...] = ()
    always: tuple[Restriction, ...] = ()
    joint: Callable[[Mapping[str, Values]], tuple[Restriction, ...]] = lambda _: ()
    flatten: Callable[[Mapping[str, Any]], Mapping[str, Any]] = as_told
    recognise: Callable[[Mapping[str, Any]], Verdict] = nothing_wrong
    agree: Callable[[Claims], Verdict] = nothing_wrong
    check_rule: Callable[[Mapping[str, Values]], None] = lambda _: None
    remarks: Callable[[Mapping[str, Values]], Iterable[str]] = no_remarks
