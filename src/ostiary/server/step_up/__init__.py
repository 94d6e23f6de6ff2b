"""Step-up and enrolment: from a recorded decision to a proof in the session ledger, and how passkeys come to be.

- ``asked``: what one decision asks a person to confirm, read back from the audit log.
- ``confirming``: the ceremony that raises a session. ``enrolling``: the ceremony that adds a passkey.
- ``inviting``: what administrators do. ``party``: who we are to a browser.
- ``pages``: what people see; ``server/faces/step_up.py`` answers the requests.
"""
