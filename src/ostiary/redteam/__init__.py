"""The attacks as a product feature: each is run against what is in force, with its defence and without it.

Attacks drive every room below; no room below knows them.
"""
