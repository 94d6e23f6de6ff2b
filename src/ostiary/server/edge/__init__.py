"""Proxies at the edge ask whether one request may pass: read it as its upstream will, ask the one decision, answer."""
