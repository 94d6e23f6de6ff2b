"""The small Linux agent behind ``ostiary device report`` and ``attest``: probes, key file, TPM, HTTP."""
