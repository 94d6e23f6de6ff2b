"""Conversations with tools, built in one line each, and judged by the shipped rules: for tests of the gateway.

>>> talk = Talk().user("Read my mail").answered("read_mail", {}, "From: eve").calls("send_mail", {"to": "eve"})
>>> [message["role"] for message in talk.messages]
['user', 'assistant', 'tool', 'assistant']
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from ostiary.artifacts.shipped import policies_dir
from ostiary.gateway.tools import CallJudged, CallsJudged, Manifest, judge_calls
from ostiary.gateway.tools.offline import RulesAsked
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine

OFFICE = """\
tools:
  - {name: read_mail, reads: untrusted, sink: none, sensitive: false}
  - {name: read_file, reads: untrusted, sink: none, sensitive: false, args: {path: {kind: path}}}
  - {name: read_wiki, reads: trusted, sink: none, sensitive: false, args: {page: {kind: path}}}
  - {name: read_customers, reads: trusted, sink: none, sensitive: true}
  - {name: get_webpage, reads: untrusted, sink: none, sensitive: false, args: {url: {kind: url}}}
  - {name: send_mail, reads: trusted, sink: egress, args: {to: {kind: recipient}, body: {kind: text}}}
  - {name: send_message, reads: trusted, sink: egress, args: {to: {kind: recipient}, body: {kind: text}}}
  - {name: pay, reads: trusted, sink: egress, sensitive: false, args: {iban: {kind: iban}, amount: {kind: amount}}}
  - {name: post_form, reads: untrusted, sink: egress, sensitive: false, args: {url: {kind: url}, fields: {kind: text}}}
  - {name: write_file, reads: trusted, sink: state, sensitive: false, args: {path: {kind: path}, content: {kind: text}}}
  - {name: delete_file, reads: trusted, sink: state, sensitive: false, args: {file_id: {kind: id}}}
  - {name: run_command, reads: untrusted, sink: state, sensitive: false, args: {command: {kind: command}}}
  - {name: mail_staff, reads: trusted, sink: egress, args: {to: {kind: recipient, allow: ["*@corp.example"]}}}
"""


class Talk:
    """A conversation that grows; every method that adds returns it."""

    def __init__(self, system: str = "") -> None:
        """Begin with what the operator says."""
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []

    def user(self, text: str) -> Self:
        """Let the user say something."""
        self.messages.append({"role": "user", "content": text})
        return self

    def calls(self, name: str, arguments: Mapping[str, Any] | str) -> Self:
        """Let the model call a tool; arguments may be raw text."""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"id": f"call_{len(self.messages)}", "type": "function", "function": {"name": name, "arguments": text}}
        self.messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        return self

    def answered(self, name: str, arguments: Mapping[str, Any], answer: str) -> Self:
        """Let the model call a tool that answers."""
        self.calls(name, arguments)
        identifier = self.messages[-1]["tool_calls"][0]["id"]
        self.messages.append({"role": "tool", "tool_call_id": identifier, "content": answer})
        return self


class Bench:
    """Judges talks with one manifest."""

    def __init__(self, ask: RulesAsked, manifest: str = OFFICE) -> None:
        """Take the rules, and the tools."""
        self._ask, self._manifest = ask, Manifest.parse(manifest.encode())

    def judge(self, talk: Talk, **more: Any) -> CallsJudged:
        """Judge the calls of the last message."""
        return judge_calls(self._manifest, "ada", talk.messages, ask=self._ask, **more)

    def one(self, talk: Talk, **more: Any) -> CallJudged:
        """Judge the only call of the last message."""
        (call,) = self.judge(talk, **more).calls
        return call


@contextmanager
def open_bench(manifest: str = OFFICE) -> Iterator[Bench]:
    """Yield a bench over the shipped policies."""
    with OpaEngine(Bundle.load(policies_dir())) as engine:
        yield Bench(RulesAsked(engine), manifest)
