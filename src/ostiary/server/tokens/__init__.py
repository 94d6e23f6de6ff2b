"""The token endpoint and what belongs to it: exchange, introspection, revocation, documents.

``identity.exchange`` says what is true and what a token may be; here it is asked for, decided, recorded and told.
"""
