"""Any log: reads tables, JSON and Parquet by a mapping that a person writes in YAML.

A mapping is data. It names columns, joins them, translates their values and leaves rows out; it has no expressions, no
regular expressions and no names of ours to reach for. It is checked whole before the first row is read, and every
fault of it is told with its line.

The way of a mapping: ``document`` reads the YAML with its lines, ``mapping`` checks the parts (``values``,
``conditions``, ``times``, ``targets``) and keeps what builds a reader, and each file is then read by plain functions
that know where every column lies.
"""
