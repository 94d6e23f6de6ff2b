"""The door to the registry of models, by what is asked of it (``server.faces.models``)."""
