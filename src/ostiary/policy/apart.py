"""A policy engine in a process of its own, for single questions about a bundle that nobody has tried yet.

- It answers as ``OpaEngine`` does: same library, same reader of answers; and it tells which lines were touched.
- Whatever the bundle does to its process, here it is a verdict with an error: DENY, and never a hang.

>>> bundle = Bundle.of({"g.rego": '''package ostiary.guardrails
... decision := {"allow": [{"rule": "anyone"}]} if input.subject.id''', "a.rego": "package ostiary.adaptive"})
>>> with ApartEngine(bundle) as engine:
...     engine.guardrails(b'{"subject": {"id": "ada"}}').hits[0].rule, engine.adaptive(b"{}").error
('anyone', 'policy_undefined')
"""

import base64
import os
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Final, Self

import msgspec

from ostiary.errors import UnavailableError
from ostiary.policy.answers import AnswerReader, adaptive_error, guardrail_error
from ostiary.policy.ask_child import Answer, Question, Told
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import BundleInfo
from ostiary.policy.limits import EngineSettings, SandboxLimits
from ostiary.policy.opa_library import launch_environment, library_path
from ostiary.policy.rulebook import RuleBook
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict

_KEPT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "SYSTEMROOT")


class ApartEngine:
    """One bundle, asked apart. Use it as a context manager; one thread at a time."""

    def __init__(self, bundle: Bundle, limits: SandboxLimits | None = None) -> None:
        """Start the process.

        Raises:
            UnavailableError: ``engine_missing``, or ``policy_check_unavailable`` when no process can be started.
        """
        library_path()
        limits = limits or SandboxLimits()
        book = RuleBook.read(bundle.live_sources)
        self.bundle = BundleInfo(bundle.digest, bundle.revision, book, bundle.live_data)
        self.touched: dict[str, set[int]] = {}
        self.fault = ""
        self._asked = b""
        self._settings = EngineSettings()
        self._reader = AnswerReader(book, self._settings)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | launch_environment()
        command = [sys.executable, "-P", "-m", "ostiary.policy.ask_child"]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as fault:
            text = f"no process can be started: {fault.strerror}"
            raise UnavailableError("policy_check_unavailable", text) from fault
        self._guard = threading.Timer(limits.wall_s, self._kill)
        self._guard.start()
        self._most = limits.max_report_bytes
        files = {path: base64.b64encode(text).decode() for path, text in bundle.files.items()}
        self._write(msgspec.json.encode(Told(files, limits)))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the process; closing twice is harmless."""
        self._guard.cancel()
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    self.fault = self.fault or Reason.POLICY_UNAVAILABLE  # it died with something still to be said

    def guardrails(self, document: bytes) -> GuardrailVerdict:
        """Ask what is allowed."""
        answer = self._ask("guardrails", document)
        return guardrail_error(answer) if isinstance(answer, Reason) else self._reader.guardrails(answer)

    def adaptive(self, document: bytes) -> AdaptiveVerdict:
        """Ask what to propose."""
        answer = self._ask("adaptive", document)
        return adaptive_error(answer) if isinstance(answer, Reason) else self._reader.adaptive(answer)

    def _ask(self, question: str, document: bytes) -> bytes | Reason:
        if not document or b"\0" in document or len(document) > self._settings.max_input_bytes:
            return Reason.POLICY_ERROR
        answer = self._answer(Question(document.decode(), question))
        if answer is None:
            return Reason.POLICY_UNAVAILABLE
        if answer.fault:
            self.fault = answer.fault
            return Reason.POLICY_ERROR
        self._asked = document
        for path, rows in answer.touched.items():
            self.touched.setdefault(path, set()).update(rows)
        return answer.envelope.encode()

    def holds(self, conditions: list[str]) -> list[bool | None]:
        """Return which conditions of the bundle's text hold of the document asked last; ``None`` = cannot be told."""
        known = self._asked and conditions
        answer = self._answer(Question(self._asked.decode(), conditions=conditions)) if known else None
        if answer is None or len(answer.holds) != len(conditions):
            return [None] * len(conditions)
        return answer.holds

    def _answer(self, question: Question) -> Answer | None:
        self._write(msgspec.json.encode(question))
        pipe = self._process.stdout
        line = pipe.readline(self._most) if pipe is not None else b""
        try:
            return msgspec.json.decode(line, type=Answer)
        except (msgspec.MsgspecError, ValueError):
            return None

    def _write(self, line: bytes) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(line + b"\n")
                pipe.flush()
        except OSError:
            self.fault = self.fault or Reason.POLICY_UNAVAILABLE

    def _kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
