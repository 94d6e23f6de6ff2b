"""Tests speak to this machine only."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_a_test_cannot_reach_a_stranger() -> None:
    """The plugin warns and then blocks; a warning is an error here, so it comes first."""
    with socket.socket() as stranger, pytest.raises((UserWarning, SocketConnectBlockedError), match=r"192\.0\.2\.1"):
        stranger.connect(("192.0.2.1", 80))  # TEST-NET-1 (RFC 5737): nobody's address
