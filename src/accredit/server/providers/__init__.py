"""Providers: what finds out who a person is (protocol-rest.md section 12), one package for each kind, and their records."""
