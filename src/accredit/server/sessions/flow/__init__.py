"""Sessions of the flow door: one for each customer of a template, from opening or creation to its end."""
