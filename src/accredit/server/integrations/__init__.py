"""Integrations: one configured instance of an application for one deployer, and the policy that it holds (design.md section 2)."""
