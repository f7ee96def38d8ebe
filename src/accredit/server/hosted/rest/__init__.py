"""The pages that a person sees at the rest door (protocol-rest.md section 11): views, templates, words, and how they look.

A door fills a view, `pages` renders it; nothing here decides anything or knows the database.
"""
