"""A person signs in from a command line: the device flow, and tokens that stay fresh (RFC 8628, RFC 9449)."""
