"""The door in front of a model: who asks, what may be asked, how often, how coarse the answer is, and the record of it.

One request's way: prove the caller · check the rows (and tell nobody yet) · look at what this subject asked before ·
decide · take from the budgets · ask the model · make the answer as coarse as policy says · record · answer.
"""
