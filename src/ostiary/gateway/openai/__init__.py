"""The wire of OpenAI-compatible clients and servers: requests read strictly, answers rebuilt, streams of events."""
