"""A service of the owner's that finds out who a person is."""
