"""The administrators' API under ``/api/v1``: FastAPI, documented by its own OpenAPI, one module a subject.

- Every call proves itself with an administrator's key; a key of a tenant sees that tenant and nothing else.
- Another tenant's id answers exactly as an unknown id.
- Everything that changes something is recorded in the log before it is answered.
- Nothing of it is imported before the first call (``late``): a worker that must be back quickly does without.
"""
