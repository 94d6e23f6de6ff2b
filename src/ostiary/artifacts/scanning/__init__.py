r"""Judges whether a file is safe to have: looks into pickles, arrays and archives, and runs nothing.

- ``safe``: of a format of the allow-list, judged by its strict parser (``formats``).
- ``quarantined``: nothing in it runs, and still no format that may be loaded: a pickle whose opcodes are all on the
  allow-list, a NumPy array of numbers, an archive of such. Only the sandbox may convert it.
- ``refused``: everything else, and everything that cannot be followed to its end.

>>> report = scan_bytes("model.pkl", b"cos\nsystem\n(S'id'\ntR.")
>>> report.verdict, [finding.code for finding in report.findings]
('refused', ['pickle_import', 'pickle_call'])
"""

from ostiary.artifacts.scanning.findings import Finding, Report, ScanLimits
from ostiary.artifacts.scanning.paths import scan_paths
from ostiary.artifacts.scanning.scanner import scan_bytes

__all__ = ["Finding", "Report", "ScanLimits", "scan_bytes", "scan_paths"]
