"""The MCP proxy's side of HTTP: its servers, their connections, and who holds which."""
