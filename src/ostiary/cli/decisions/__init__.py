"""Parts of the verb ``decisions``: which ones are asked for, and how they are shown."""
