"""The rest door: a backend asks who a person is, and is the only one who can read the answer (protocol-rest.md)."""
