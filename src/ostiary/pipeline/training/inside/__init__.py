"""What runs inside the sandbox before the command does: plain standard library, copied in, never imported by the rest.

1. It opens the proxy's listening sockets here, where the command will live, and hands them out to the parent.
2. It tries to break out, in every way it knows. What succeeds, or cannot be tried, is told to the parent.
3. It becomes the command when the parent says so, and only then.
"""
