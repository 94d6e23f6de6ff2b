"""``ostiary device``: enrol this device and report its state; invite, show, shut out and release devices."""

from cyclopts import App

from ostiary.cli.device import admin, agent

command = App(name="device", help="Devices: enrolment, posture, attestation, quarantine.")
agent.register(command)
admin.register(command)
