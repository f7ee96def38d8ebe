"""Looking for secrets where they must not be: in the files of a folder, and in whatever a git history holds."""
