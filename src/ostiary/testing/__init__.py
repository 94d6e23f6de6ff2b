"""Public fakes and the organisation simulator, named as what they are."""
