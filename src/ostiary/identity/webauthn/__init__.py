"""Step-up by passkey: WebAuthn ceremonies as plain functions, bound to one request and good for one answer.

- ``challenges``: what is signed, and what it is bound to. ``answers``: the one parser of what browsers send.
- ``registration`` and ``authentication``: what a browser is asked, and whether its answer holds.
- ``ports``: where authenticators, invitations and recoveries are kept.

User verification is always required; origin and relying party come from the configuration, never from a request's
``Host``. The WebAuthn library is imported when the first answer comes: no decision needs it.
"""
