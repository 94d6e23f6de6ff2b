"""The loopback helper: it adds a person's token and proof to every request of a stock OpenAI client."""
