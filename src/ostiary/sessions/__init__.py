"""The state of sessions: a session may fall at any time."""
