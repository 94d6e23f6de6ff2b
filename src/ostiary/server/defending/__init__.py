"""What Ostiary's own defences stand at: who asks too much, who drifts, what was attacked and how it went.

Everything here is read from what is stored. Nothing is attacked, measured or estimated for whoever looks.
"""
