"""Kubernetes: training as a Job that reaches nothing but its egress proxy, and an admission webhook for models.

- ``plan`` → ``render``: one typed plan becomes the manifests; nothing is applied, a person or a pipeline does that.
- ``admission``: judges pods before they exist, by rules and by what the registry approved; deny is the default.
"""
