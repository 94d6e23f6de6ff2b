"""A person signs in at another provider: authorization code with PKCE, a verified id token, sign-outs both ways."""
