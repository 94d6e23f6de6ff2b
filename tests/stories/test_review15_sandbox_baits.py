"""Baits that a start puts out are watched in a server that holds more connections than ``select`` can count."""

import os
import resource
import socket

from ostiary.pipeline.training.canaries import Canaries


def test_baits_are_watched_in_a_server_of_many_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    held = [os.open("/dev/null", os.O_RDONLY)]
    try:
        held += [os.dup(held[0]) for _ in range(1100)]
        with Canaries.put_out() as canaries:
            assert canaries.local.fileno() > 1023
            assert canaries.visited() == []
            with socket.create_connection(canaries.tcp[0].getsockname()):
                assert canaries.visited() == ["loopback"]
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
