"""The parts of ``ostiary token``: what is asked for, the holder's key, and the server's side of HTTP."""
