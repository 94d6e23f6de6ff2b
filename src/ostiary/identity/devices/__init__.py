"""Devices: enrolled by a one-time code, judged by signed posture reports and TPM quotes, shut out by quarantine.

``DeviceBook`` is all that other rooms need: it answers the decision (``device``), takes messages (``enrol``,
``report``, ``attest``), obeys administrators (``quarantine``, ``release``, ``remove``) and tells listeners of changes.
"""

from ostiary.identity.devices.book import DeviceBook
from ostiary.identity.devices.model import Device, DeviceChange, Invitation, Standing
from ostiary.identity.devices.ports import DeviceLog, DeviceRegistry, Enrolled
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules

__all__ = [
    "Device",
    "DeviceBook",
    "DeviceChange",
    "DeviceLog",
    "DeviceRefusal",
    "DeviceRegistry",
    "DeviceRules",
    "Enrolled",
    "Invitation",
    "Standing",
]
