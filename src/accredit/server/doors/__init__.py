"""The doors: HTTP adapters, one file for each published design. A door parses, asks the gate, opens a session, renders."""
