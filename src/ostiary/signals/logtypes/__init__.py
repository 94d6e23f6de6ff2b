"""Audit logs of many products as tables: where each keeps who, what, when, where and how it ended; one file a family.

A module has ``TYPES``, a tuple of ``LogType``; ``reading`` turns a table into a normaliser. Nothing here runs code of
its own per product: what differs is data.
"""
