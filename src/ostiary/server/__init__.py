"""The ASGI application and its wiring: the only place where adapters meet ports."""
