"""Whom a response may tell: webhooks, syslog, e-mail. Each delivers one letter, and raises one of our own errors."""
