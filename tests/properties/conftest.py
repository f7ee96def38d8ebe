"""Settings of hypothesis for this folder: no deadlines, because machines differ, and failing examples are printed to be kept."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "accredit", deadline=None, max_examples=150, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("accredit")
