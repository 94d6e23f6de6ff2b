"""Numbers and names of people, told by their check digits and their shape."""
