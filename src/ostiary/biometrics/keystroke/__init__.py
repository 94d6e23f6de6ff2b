"""Keystroke dynamics of free text: who types, from times and classes of keys alone.

- ``tensor`` turns a window into channels, ``encoder`` these into numbers, ``plda`` numbers into a likelihood ratio.
- ``model`` is what the rest of the house sees; ``training`` makes new ones (extra ``train``); ``protocol`` measures.
- Which key was pressed is never known here: eight classes at most, and none where the source has none (ADR-0053).
"""
