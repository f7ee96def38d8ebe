"""One file for each revision; the file's name begins with the revision."""
