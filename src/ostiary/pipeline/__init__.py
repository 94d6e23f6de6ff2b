"""The ML pipeline's doors: datasets, training, models, features, inference.

Every stage of a pipeline is untrusted until it proves itself. Each door asks the same decision for each access, with a
token that names one resource and one purpose, and carries out what the decision says.
"""
