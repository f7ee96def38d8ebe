"""The page that makes key pairs for sealed answers: one document, one script, one stylesheet, served as they are."""
