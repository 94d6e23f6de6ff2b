"""The nouns of Ostiary as frozen types and Protocols; standard library and msgspec only.

Nothing here does I/O, reads a clock or draws a random number.
"""
