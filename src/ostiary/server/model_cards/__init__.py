"""Models told to people: who signed, who built, who approved, how good they are."""
