"""The host's own TLS keys lie beside its certificates: a run is shown the one and not the other."""

from pathlib import Path

import pytest

from ostiary.pipeline.training.environment import system


@pytest.mark.parametrize("folder", ["/etc/ssl/private", "/etc/pki/tls/private", "/etc/pki/nssdb"])
def test_folders_of_private_keys_are_below_no_mount(folder: str) -> None:
    shown = [Path(mount.target) for mount in system().mounts]
    assert not [place for place in shown if Path(folder).is_relative_to(place)]


def test_certificates_are_shown() -> None:
    if not Path("/etc/ssl/certs").exists():
        pytest.skip("this machine keeps its certificates elsewhere")
    assert "/etc/ssl/certs" in [mount.target for mount in system().mounts]
