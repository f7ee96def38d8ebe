"""Kestrel Cars, which asks at the rest door who drives: its backend, its page in three flows, and what is tried with its sessions."""
