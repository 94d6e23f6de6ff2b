"""The enforcement point for MCP: what a client asks and what a server says or asks, judged before it passes."""
