"""What stands behind the gateway: servers that speak OpenAI's protocol, and the extract that needs none."""
