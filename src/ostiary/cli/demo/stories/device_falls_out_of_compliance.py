"""The story ``device-falls-out-of-compliance``: a laptop's disk is decrypted, and what was open on it closes.

Told in acts: the laptop is enrolled with its TPM (a simulated one), it reports, its owner works, its disk is no longer
encrypted, the old report is sent again, it is mended, and at last it is stolen and shut out. The answers are the
server's.
"""

from typing import Any, Final

import msgspec

from ostiary.cli.demo.scene import NS, PHISHING_RESISTANT, Scene
from ostiary.cli.device.talking import Server
from ostiary.errors import RefusedError
from ostiary.identity.devices.challenges import ATTEST, ENROL, extra_for
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.testing.tpm import SoftTpm

NAME: Final = "device-falls-out-of-compliance"
SENTENCE: Final = "the disk of a developer's laptop is no longer encrypted, and what was open on it closes"
LEARNED: Final = False
"""No model has a part in it: rules alone decide."""
HALF_AN_HOUR_NS: Final = 1_800 * NS
GOOD: Final = {
    "disk_encrypted": True,
    "firewall": True,
    "patch_age_s": 3600,
    "rooted": False,
    "screen_lock": True,
    "secure_boot": True,
}


class Play:
    """One performance."""

    def __init__(self, scene: Scene) -> None:
        """Take where it plays."""
        self._scene, self._teller = scene, scene.teller
        self._own = scene.stage.organisation.story("stolen-session").events[0]
        self._server = Server(scene.door.url)
        self._voice = Voice(SigningKey.generate("laptop", "ES256"), self._server.url)
        self._tpm = SoftTpm.make()
        self._number = 0
        self._signed_in_ns = self._now() - HALF_AN_HOUR_NS

    def perform(self) -> bool:
        """Play it; return whether the session fell with the device, rose by a sign-in alone, and fell again."""
        self._enrol()
        first = self._report()
        worked = self._work("works", "office")
        fell = self._fall()
        replayed = self._replay(first)
        mended = self._mend()
        shut = self._shut_out()
        self._scene.explain(shut["context"]["id"])
        self._scene.verify(shut["context"]["id"])
        same, anew = mended
        effects = [answer["context"]["effect"] for answer in (fell, same, shut)]
        let_in = worked["decision"] is True and anew["decision"] is True
        return let_in and effects == ["STEP_UP", "STEP_UP", "DENY"] and replayed == "device_replayed"

    def _enrol(self) -> None:
        self._teller.act("Her laptop is enrolled")
        owner = f"user:{self._own.subject_id}"
        told = self._teller.ask("device", "invite", owner, "--kind", "laptop", "--data", self._scene.data)
        self._teller.say(
            f"An administrator makes a one-time code for {owner}. Her laptop makes a key, signs the server's nonce "
            "with it, and brings a quote of its TPM (simulated here) that answers the same nonce:\n"
        )
        nonce = str(self._server.nonce(ENROL)["nonce"])
        evidence = self._tpm.quote(extra_for(ENROL, nonce, self._voice.thumbprint))
        message = self._voice.enrol(
            told["code"], nonce, now_ns=self._now(), name="laptop", evidence=evidence, ak=self._tpm.public
        )
        made = self._server.send("enrol", message)
        self._voice = Voice(self._voice.key, self._server.url, made["tenant"], made["device_id"])
        self._teller.show("enrolled", made)

    def _report(self) -> str:
        self._teller.act("It says how it is")
        self._teller.say(
            "Signed by its own key, with a number that only rises. Then its TPM vouches for what was booted:\n"
        )
        message = self._message(GOOD)
        self._teller.show("reported", self._server.send("report", message))
        nonce = str(self._server.nonce(ATTEST)["nonce"])
        extra = extra_for(ATTEST, nonce, self._voice.tenant, self._voice.device_id)
        attested = self._voice.attest(nonce, self._tpm.quote(extra), now_ns=self._now())
        self._teller.show("attested", self._server.send("attest", attested))
        return message

    def _work(self, name: str, session: str) -> dict[str, Any]:
        if name == "works":
            self._teller.act("She works on it")
        device = self._voice.device_id
        # Of each laptop its own: a session that ended in an earlier performance has ended for good.
        name_of_session = f"{self._own.subject_id}-{session}-{device[-6:]}"
        event = msgspec.structs.replace(self._own, device_id=device, session_id=name_of_session)
        signed_in_s = (self._now() - self._signed_in_ns) // NS
        answer = self._scene.ask(event, self._scene.token(event, PHISHING_RESISTANT, signed_in_s))
        self._teller.show(name, answer)
        return answer

    def _fall(self) -> dict[str, Any]:
        self._teller.act("Its disk is no longer encrypted")
        self._teller.say("The laptop itself says so, and the session that was open on it falls at once:\n")
        self._teller.show("fell", self._server.send("report", self._message({**GOOD, "disk_encrypted": False})))
        return self._work("asks_again", "office")

    def _replay(self, first: str) -> str:
        self._teller.act("Somebody sends the good report again")
        try:
            self._teller.show("replayed", self._server.send("report", first))
        except RefusedError as no:
            self._teller.say("A report counts once, and none older than the last one:\n")
            self._teller.show("replayed", {"code": no.code, "message": no.message})
            return no.code
        return ""

    def _mend(self) -> tuple[dict[str, Any], dict[str, Any]]:
        self._teller.act("It is mended")
        self._teller.say("The device is compliant again. Her session is not: what fell rises by a sign-in alone:\n")
        self._teller.show("mended", self._server.send("report", self._message(GOOD)))
        same = self._work("same_session", "office")
        self._teller.say("\nShe signs in again:\n")
        self._signed_in_ns = self._now()
        return same, self._work("new_session", "anew")

    def _shut_out(self) -> dict[str, Any]:
        self._teller.act("It is stolen")
        device = self._voice.device_id
        words = ("device", "quarantine", device, "--reason", "stolen", "--data", self._scene.data)
        self._teller.run("quarantined", *words)
        self._teller.say("\nThe thief has the laptop, its key, and her session. The laptop says that all is well:\n")
        self._teller.show("all_is_well", self._server.send("report", self._message(GOOD)))
        return self._work("thief", "anew")

    def _message(self, posture: dict[str, Any]) -> str:
        self._number += 1
        return self._voice.report(posture, self._number, now_ns=self._now(), os="Simulated OS 1")

    def _now(self) -> int:
        return self._scene.clock.now_ns()


def perform(scene: Scene) -> bool:
    """Play it on ``scene``; return whether all went as told."""
    return Play(scene).perform()
