"""Accredit: proves in both directions.

The names exported here are the paved path for a customer's backend.
"""

__version__ = "0.1.0"
