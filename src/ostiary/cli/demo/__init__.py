"""What ``ostiary demo`` is made of: the stage (a data directory), the front door (HTTP), the story, and how it is told.

Everything on the stage is simulated, and everything that happens on it is real: real tokens, a real server process,
a model trained on the spot, records in a real log. Nothing is prerecorded and no decision is written down here.
"""
