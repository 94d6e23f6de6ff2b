"""Tests speak to this machine only."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_a_test_cannot_reach_a_stranger() -> None:
    with socket.socket() as stranger, pytest.raises(SocketConnectBlockedError):
        stranger.connect(("192.0.2.1", 80))  # TEST-NET-1 (RFC 5737): nobody's address
