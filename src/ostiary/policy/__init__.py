"""The Rego engine, bundles, lint and tests: what is allowed, and why."""
