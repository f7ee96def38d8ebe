"""Beacon Energy, which boots at the boot door: its signing desk, and the situations that its page is put into."""
