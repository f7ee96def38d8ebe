"""The pages that a person sees at the flow door (protocol-flow.md sections 4, 5 and 10): views, templates and how they are filled.

One document for a frame or a link, whose script shows what each call brings: the server renders every screen, in the person's
language, and decides everything. `hosted/languages` has the words.
"""
