"""Harbour Bank, which embeds at the embed door: its signing desk, and the situations that its page is put into."""
