"""Sessions of the rest door: who a person is, told only to the holder of a key (protocol-rest.md sections 5 to 11).

The control part of a session is in clear in its row; what tells of the person is sealed while the session is open, and when it ends
its answer is built once and stored only so, to the caller's key if it has one. Of all that end a session one compare-and-set wins.
"""
