"""In what manner it is done: from a browser or by a program, and by which way of logging in."""

import re
from functools import lru_cache
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_AGENTS: Final[dict[str, tuple[str, re.Pattern[str]]]] = {
    "browser": ("a web browser", re.compile(r"(?i)mozilla/|chrome|safari|firefox|edge|opera")),
    "command": (
        "a command line",
        re.compile(r"(?i)\bcli\b|aws-cli|azure-?cli|gcloud|kubectl|curl|wget|powershell|httpie|^k9s|helm"),
    ),
    "library": (
        "a program's library",
        re.compile(r"(?i)python|boto|sdk|java|go-http|axios|okhttp|ruby|node|requests|urllib|apache-http|client/"),
    ),
    "builder": (
        "an automation of infrastructure",
        re.compile(r"(?i)terraform|pulumi|ansible|cloudformation|crossplane|github-actions|jenkins|argocd|packer"),
    ),
    "offensive": (
        "a tool of attackers or testers",
        re.compile(
            r"(?i)kali|parrot|pentoo|nmap|sqlmap|hydra|masscan|nikto|gobuster|pacu|cloudfox|scoutsuite|trufflehog|"
            r"stratus|nuclei|burp|zgrab|metasploit|peirates|kube-hunter|roadtools|aadinternals|azurehound|bav2ropc|"
            r"fasthttp|prowler"
        ),
    ),
}
_WAYS: Final[dict[str, tuple[str, re.Pattern[str]]]] = {
    "password": (
        "a password",
        re.compile(r"(?i)pass(?:word|_?phrase)|\bpwd\b|basic|local|swa|ropc|legacy|ntlm|cleartext"),
    ),
    "federated": (
        "another identity provider",
        re.compile(r"(?i)saml|oidc|oauth|sso|federat|google|github|openid|ws-?fed|assumedrole|exchange"),
    ),
    "key": (
        "a key or certificate",
        re.compile(r"(?i)key|cert|jwt|mtls|fido|webauthn|u2f|passkey|smartcard|hardware|token|signature|iamuser"),
    ),
    "phone": ("a call, message or push", re.compile(r"(?i)sms|phone|voice|call|push|otp|totp|passcode|text")),
}
_FEATURES: Final = (
    *(
        Feature(f"agent_{name}", f"1 when it comes from {text}", "flag", int(name == "offensive"))
        for name, (text, _) in _AGENTS.items()
    ),
    *(Feature(f"way_{name}", f"1 when the log-in was by {text}", "flag", 0) for name, (text, _) in _WAYS.items()),
)
_CALLED: Final = {
    **{f"agent_{name}": f"it comes from {text}" for name, (text, _) in _AGENTS.items()},
    **{f"way_{name}": f"the log-in was by {text}" for name, (text, _) in _WAYS.items()},
}
_NO_AGENT: Final = (NAN,) * len(_AGENTS)
_NO_WAY: Final = (NAN,) * len(_WAYS)
_CACHE: Final = 4_096
_LONGEST: Final = 512


@lru_cache(maxsize=_CACHE)
def _agent(text: str) -> tuple[float, ...]:
    return tuple([1.0 if pattern.search(text) else 0.0 for _, pattern in _AGENTS.values()])


@lru_cache(maxsize=_CACHE)
def _way(text: str) -> tuple[float, ...]:
    return tuple([1.0 if pattern.search(text) else 0.0 for _, pattern in _WAYS.values()])


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return one flag a kind of client and a kind of log-in; missing where the event does not tell."""
    agent, way = event.user_agent or event.ua_family, event.auth_method
    return (
        *(_agent(agent[:_LONGEST]) if agent else _NO_AGENT),
        *(_way(way[:_LONGEST]) if way else _NO_WAY),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the manner in words."""
    if value == 1.0:
        return _CALLED[name]
    if value == 0.0:
        return f"it is not so that {_CALLED[name]}"
    return "the client is not told" if name.startswith("agent_") else "the way of log-in is not told"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, ("ua_family", "auth_method"), ("subject",), extract, words)
