"""The Rego engine, bundles, lint and tests: what is allowed, and why.

- ``engine``: two questions (guardrails, adaptive), asked of embedded real OPA; ``remote``: of somebody's own OPA.
- ``bundle``: where policy comes from; ``lint`` and ``sandbox``: what it must prove before it goes live.
- ``holder``: the live engine, replaced without dropping a decision.
"""
