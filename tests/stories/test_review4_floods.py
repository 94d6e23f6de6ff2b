"""One account names session after session: nobody's evidence is pushed out by it, not even the account's own."""

from ostiary.biometrics.evidence import Stage
from ostiary.biometrics.window import Modality
from ostiary.server.biometrics.watching import MOST_OF_SUBJECT, Judged, WatchedSessions

NS = 1_000_000_000


def found(llr: float) -> Judged:
    return Judged(Modality.KEYSTROKE, llr, Stage.ENROLLED, 1.0, "sha256:m", "page:1", b"row")


def noted(sessions: WatchedSessions, name: str, llr: float, subject: str = "user:ann", tenant: str = "default") -> None:
    for number in range(6):
        sessions.note(tenant, name, subject, found(llr), number * NS)


def known(sessions: WatchedSessions, name: str, subject: str = "user:ann", tenant: str = "default") -> bool:
    return sessions.latest(tenant, name, subject, 6 * NS) is not None


def test_a_thief_does_not_push_out_what_was_seen_of_him_by_naming_other_sessions():
    sessions = WatchedSessions()
    noted(sessions, "stolen", -4.0)
    for number in range(3 * MOST_OF_SUBJECT):
        noted(sessions, f"named-{number}", 4.0)
    assert known(sessions, "stolen")
    assert len(sessions) == MOST_OF_SUBJECT
    assert known(sessions, f"named-{3 * MOST_OF_SUBJECT - 1}"), "the newest is known, as ever"


def test_not_even_by_sessions_in_which_he_is_as_odd():
    sessions = WatchedSessions()
    noted(sessions, "stolen", -4.0)
    for number in range(3 * MOST_OF_SUBJECT):
        noted(sessions, f"named-{number}", -4.0)
    assert known(sessions, "stolen")
    assert len(sessions) == MOST_OF_SUBJECT


def test_a_tenant_that_floods_pushes_out_its_own():
    sessions = WatchedSessions(most=100)
    noted(sessions, "stolen", -4.0, tenant="acme")
    for number in range(400):
        noted(sessions, f"s-{number}", 4.0, subject=f"user:{number}", tenant="flooder")
    assert known(sessions, "stolen", tenant="acme")
    assert len(sessions) <= 100


def test_what_is_forgotten_makes_room_again():
    sessions = WatchedSessions()
    for number in range(MOST_OF_SUBJECT):
        noted(sessions, f"s-{number}", -4.0)
    sessions.drop("default", "s-0")
    noted(sessions, "new", -4.0)
    assert known(sessions, "new")
    sessions.forget("default", "user:ann")
    noted(sessions, "newer", -4.0)
    assert known(sessions, "newer")
    sessions.forget_tenant("default")
    for number in range(MOST_OF_SUBJECT):
        noted(sessions, f"t-{number}", -4.0)
    assert known(sessions, f"t-{MOST_OF_SUBJECT - 1}")


def test_an_alarm_is_bounded_as_well():
    sessions = WatchedSessions()
    for number in range(3 * MOST_OF_SUBJECT):
        sessions.alarm("default", f"s-{number}", "user:ann", "tampered", NS)
    assert len(sessions) == MOST_OF_SUBJECT
