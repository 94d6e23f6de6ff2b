"""The parts of ``ostiary events`` that are files of their own."""
