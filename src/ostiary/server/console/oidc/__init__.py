"""Signing in at another provider: the browser's way there and back, who that makes somebody here, signing out."""
