"""Least privilege: how likely a request for access is refused, and which entitlements stand out.

- ``requests``: decided requests in, the probability of a refusal for each new request out.
- ``grants``: who holds what in, how expected each pair of user and permission is out; reviews are built on it.
- Nothing here decides. A score and its reasons go before a person or a policy.
"""
