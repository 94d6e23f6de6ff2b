"""The verbs that show what a change would do: ``policy impact``, ``risk impact`` and what they share."""
