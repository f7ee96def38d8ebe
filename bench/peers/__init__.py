"""What Accredit is held against: servers that do the same work, each started as a process of its own."""
