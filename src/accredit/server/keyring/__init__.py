"""Keys and secrets: the root key, the data keys that it wraps, and the records of everybody else's keys."""
