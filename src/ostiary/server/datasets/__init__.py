"""The door to datasets as the server serves it: reading, listing, writing, and what is recorded of each."""
