"""Values of settings that say something by themselves, whatever the product.

Rules:
- Each line is documented semantics of a protocol, a cloud or a product family; the comment says whose.
- What only matters when it is given or set (``0.0.0.0/0`` in a rule that is *removed* is no opening) is applied by
  ``marking``, which knows what the action does.
"""

from typing import Final

from ostiary.signals.deedwords import wordset
from ostiary.vocabulary.facts import Mark

EVERYBODY: Final = wordset(
    "0.0.0.0/0 ::/0 0.0.0.0 0.0.0.0-255.255.255.255 allusers allauthenticatedusers public-read "
    "public-read-write public_read public_write publicread anyone anyone_with_link anyonewithlink people_with_link "
    "anonymous anonymous_access everyone all_users all_authenticated_users public_on_the_web "
    "public_in_the_domain_with_link group:all shared_externally link_public "
    "http://acs.amazonaws.com/groups/global/allusers http://acs.amazonaws.com/groups/global/authenticatedusers "
    "authenticated-read system:unauthenticated system:anonymous with_link nodeport loadbalancer"
)  # AWS ACLs, Google IAM members and Drive visibility, Azure network and blob settings, Kubernetes groups
NOBODY: Final = wordset(
    "system:anonymous system:unauthenticated anonymous anonymoususer anonymous_user anonymous_principal "
    "unauthenticated anonymous: anonymous_principal"
)
OFF: Final = wordset(
    "false off none disabled disable 0 no never null inactive suspended suspend not_enforced notenforced optional "
    "not_required never_require disallowed removed [] {} stopped paused unenforced denied unchecked bypass skip "
    "deactivated"
)
ON: Final = wordset("true on enabled enable 1 yes active allow allowed always permitted all full_access any")
SEVERE: Final = wordset("critical high severe urgent sev1 sev0 p0 p1 emergency very_high extreme malicious fatal")
MILD: Final = wordset("low info informational information notice minor none")

PLATFORM: Final = wordset(
    "kube-system kube-public kube-node-lease system:masters istio-system gatekeeper-system cert-manager"
)  # Kubernetes' own namespaces and masters
REMOTE_PORTS: Final = frozenset(
    {22, 23, 135, 139, 445, 3389, 5900, 5985, 5986}
)  # IANA: remote log-in and administration
SAYS: Final[dict[str, Mark]] = {
    "pull_request_target": Mark.RUNS_CODE,  # GitHub: runs a stranger's change with the repository's secrets
    "positive": Mark.FLAGGED,  # Okta behaviour detection
    "atrisk": Mark.FLAGGED,  # Entra risk state
    "confirmedcompromised": Mark.FLAGGED,  # Entra risk state
    "compromised": Mark.FLAGGED,
    "malicious": Mark.FLAGGED,  # mail and endpoint products' verdicts
    "malware": Mark.FLAGGED,
    "phish": Mark.FLAGGED,
    "phishing": Mark.FLAGGED,
    "impostor": Mark.FLAGGED,
    "ransomware": Mark.FLAGGED,
    "suspicious": Mark.FLAGGED,
    "root": Mark.ROOT,
    "guardrail_intervened": Mark.FLAGGED,  # Amazon Bedrock
    "intervened": Mark.FLAGGED,  # Amazon Bedrock
    "passwordauthentication": Mark.WEAK_LOGIN,
    "legacy authentication": Mark.WEAK_LOGIN,
    "imap4": Mark.WEAK_LOGIN,  # Entra client applications without modern authentication
    "pop3": Mark.WEAK_LOGIN,
    "smtp": Mark.WEAK_LOGIN,
    "authenticated smtp": Mark.WEAK_LOGIN,
    "exchange activesync": Mark.WEAK_LOGIN,
    "other clients": Mark.WEAK_LOGIN,
    "bav2ropc": Mark.WEAK_LOGIN,
    "singlefactorauthentication": Mark.WEAK_LOGIN,
}
RISK_STEPS: Final[dict[str, tuple[Mark, ...]]] = {
    "medium": (Mark.FLAGGED,),
    "moderate": (Mark.FLAGGED,),
    "high": (Mark.FLAGGED, Mark.SEVERE),
    "critical": (Mark.FLAGGED, Mark.SEVERE),
}  # words of a risk level; "none", "hidden" and "low" are the ordinary case
SEVERITY_STEPS: Final[dict[str, tuple[Mark, ...]]] = {
    **RISK_STEPS,
    "low": (Mark.MINOR,),
    "informational": (Mark.MINOR,),
}  # words of a severity; those of a log's own level (info, notice, warning, error) say nothing of the deed
CALM: Final = wordset("dismissed remediated confirmedsafe resolved_benign")  # Entra risk states that end a risk
OPENED: Final = wordset("blob container world internet open all public unlisted")
"""Azure blob access and alike, below a name that opens."""
CAPABILITIES: Final = wordset(
    "sys_admin cap_sys_admin net_admin cap_net_admin sys_ptrace cap_sys_ptrace sys_module cap_sys_module bpf cap_bpf "
    "dac_read_search cap_dac_read_search"
)

WORDS: Final[dict[str, tuple[tuple[str, Mark], ...]]] = {
    **{word: (("any", mark),) for word, mark in SAYS.items()},
    **dict.fromkeys(PLATFORM, (("any", Mark.SYSTEM),)),
    **dict.fromkeys(CAPABILITIES, (("any", Mark.ESCAPES),)),
    **dict.fromkeys(NOBODY, (("any", Mark.ANONYMOUS),)),
    **dict.fromkeys(EVERYBODY - NOBODY, (("gives", Mark.MAKES_PUBLIC),)),
    **dict.fromkeys(EVERYBODY & NOBODY, (("any", Mark.ANONYMOUS), ("gives", Mark.MAKES_PUBLIC))),
}
"""What a value says by itself: what the action must be able to do, and the mark that follows."""

SWITCHES: Final[dict[str, bool]] = {**dict.fromkeys(ON, True), **dict.fromkeys(OFF, False)}
