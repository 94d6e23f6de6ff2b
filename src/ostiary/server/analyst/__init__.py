"""What an analyst looks at: subjects, sessions and detections, put together from what the other rooms keep.

Nothing here decides or keeps anything of its own: it reads the ledger of sessions, the log, cases and steps of
responses, and gives the same values to the administrators' API, the command line and the console.
"""
