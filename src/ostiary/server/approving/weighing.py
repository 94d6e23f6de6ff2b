"""What a kind of deed is, in words, and what it costs when it was wrong: so that nobody signs a word they do not know.

>>> title_of("policy.activate"), title_of("something.else")
('Activate a policy', 'something.else')
"""

from typing import Final

from ostiary.approvals.proposal import Proposal

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "access.grant": ("Grant access", "One subject may do one thing to one resource, until the end that is named."),
    "administrators.change": ("Add an administrator", "Whoever holds the new key can change settings of this tenant."),
    "approvals.delegate": ("Sign for somebody", "One person signs for another, for some kinds, until the end."),
    "approvals.people": ("Change who approves", "These people decide on everything else, and on themselves."),
    "approvals.rule": ("Change how many it takes", "Proposals of that kind are decided by this rule from then on."),
    "authenticator.first": ("Invite to a first passkey", "Whoever gets the link agrees under this person's name."),
    "authenticator.recover": (
        "Let somebody begin anew",
        "All passkeys of this person go, and whoever gets the link comes in their place.",
    ),
    "baseline.replace": ("Replace what is usual", "What a subject does from now on is measured against this."),
    "batch.release": ("Let a refused batch in", "Risk learns from events that were refused at the door."),
    "biometrics.excuse": ("Excuse from behaviour", "Typing and pointing of this person are not judged any more."),
    "biometrics.excuse.end": ("Judge behaviour again", "Typing and pointing of this person are judged again."),
    "break_glass.open": (
        "Break the glass",
        "Rules that usually deny are replaced for these subjects, until the end that is named.",
    ),
    "keys.ceremony": ("Make or replace keys", "What is signed or opened from then on rests on the new key."),
    "model.promote": ("Make a model live", "Decisions and answers rest on this version from then on."),
    "model.release": ("Release a model", "This version may be loaded by whoever asks the registry."),
    "model.rollback": ("Go back to a model", "Decisions and answers rest on the older version again."),
    "phase.change": ("Change a phase", "What a control finds is acted on, where it was only watched before."),
    "policy.activate": ("Activate a policy", "Every decision of this tenant is made by the new rules at once."),
    "response.step": ("Take a step of a playbook", "The step is carried out against whom it names."),
    "subject.erase": ("Erase for good", "Nothing brings it back; proofs of what was recorded stay valid."),
    "suppression.add": ("Silence widely", "What this finds about many subjects is not told any more, until the end."),
    "template.replace": ("Replace a template", "Behaviour of this person is compared with what was learned here."),
    "threshold.change": ("Activate a risk model", "Scores, and what is done at which score, come from it at once."),
}
_GRAVE: Final = frozenset(
    {
        "administrators.change",
        "approvals.people",
        "approvals.rule",
        "authenticator.first",
        "authenticator.recover",
        "break_glass.open",
        "keys.ceremony",
        "policy.activate",
        "subject.erase",
    }
)
_UP: Final = ("telemetry", "shadow", "low_risk", "high_impact")


def title_of(kind: str) -> str:
    """Return what a kind of deed is called; its own name when it is none of ours."""
    return _KINDS.get(kind, (kind, ""))[0]


def risk_of(proposal: Proposal) -> tuple[str, str]:
    """Return how grave a deed is (``grave``, ``plain`` or ``tightens``), and what it means in a sentence."""
    kind, bound = proposal.kind, proposal.bound
    words = _KINDS.get(kind, ("", "Ostiary does not know this kind: what it means is for whoever asked to say."))[1]
    if kind == "phase.change" and {bound.get("from"), bound.get("to")} <= set(_UP):
        if _UP.index(bound["to"]) < _UP.index(bound["from"]):
            return "tightens", "The control is taken down: less is acted on than before."
        if bound["to"] == "high_impact":
            return "grave", "The control may deny, and end sessions, by itself."
    return ("grave" if kind in _GRAVE else "plain"), words
