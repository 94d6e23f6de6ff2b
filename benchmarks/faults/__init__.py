"""The fault campaign: a real deployment under load, faults one after another, and a bookkeeper that trusts nobody.

``benchmarks/fault_campaign.py`` runs it; docs/explanation/fault-campaign.md tells what came of it.
"""
