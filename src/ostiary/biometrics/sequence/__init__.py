"""Sequences: which deed follows which; commands of a shell, or verbs on the routes of an application.

- A window is judged by what follows what: ``ratio.py`` asks of every step how much likelier this person makes it than
  everybody else does.
- What a person was never seen to begin is held against them once. What follows from it is not: a compiler runs its
  passes in anybody's session, so the population's habit stands in where the person has none.
- Beside the steps the tokens alone are asked (naive Bayes), and both are added up.
- No network: counts, which learn from one session and can say why (ADR-0056).
"""
