"""The enforcement point in front of language models: faces, upstreams, tools, conversations."""
