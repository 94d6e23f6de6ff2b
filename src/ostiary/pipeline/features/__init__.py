"""Feature sets and who sees which of their columns: offline by SQL, at points in time, online by key, and for writing.

- What a reader may not see does not exist where the query runs (ADR-0028): the engine gets projected columns, never a
  table and a rule about it. Reading a query beforehand serves explanation, an early refusal and the record.
- A derived feature is as secret as all it is made of: to derive is to read.
- A column nobody may see answers like one that never was: same code, same text, same way there.
"""
