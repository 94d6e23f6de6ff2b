"""What keeps models from being asked too much: budgets, and a watch for those who map a model's boundary.

Deterministic: the same questions in the same order give the same answers. Nothing here imports anything learned.
"""
