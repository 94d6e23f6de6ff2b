"""One file a story: its ``NAME``, its ``SENTENCE``, and ``perform(scene)``, which says whether all went as told."""
