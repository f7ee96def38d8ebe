"""Sessions: one person's visit, from opening to a terminal status (design.md section 6).

A row has a control part (ids, status, times) and a sealed part; personal data is only ever in the sealed part. Transitions are
compare-and-set: of two racing ones exactly one wins, and nothing leaves a terminal status.
"""
