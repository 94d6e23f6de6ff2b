"""The verbs of ``ostiary history``: export, replay, train and impact, and what they share."""
