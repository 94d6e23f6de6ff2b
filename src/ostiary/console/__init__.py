"""The console: HTML for people. It looks, explains and asks; every deed it offers is a call of the API, judged there.

- Pages are rendered on the server; scripts add to what already works. Nothing is loaded from elsewhere.
- Whatever is shown came through a ``Viewer``'s own rights; the console holds none of its own (ADR-0059).
"""
