"""Whole logs of typing told by key and pair of keys: one log against others, by exact Gaussian ratios.

- Of every hold and every pair of keys two quartiles are looked at: the quick one, which no pause reaches, and the slow.
- A quartile of few values says little: what it says is weighed by how many there were, and what lacks says nothing.
- What is learned: how far people, a person's days and the values of one day lie apart, feature by feature, and what
  moves together (ADR-0054). The names of keys never leave the place where they were measured: they are columns here.
"""
