"""Measures what docs/design.md section 10 promises: each figure beside its limit, and beside others that do the same work.

    python -m bench                                  # all rows, writes bench/RESULTS.md
    python -m bench --only embed-new,read --seconds 1 --rounds 1

The server under measurement has one core to itself, and the load the other. Contenders take turns, round by round, so that what
disturbs the machine disturbs them all; ratios are medians of the rounds. An answer with an unexpected status ends the run: figures
with errors in them are no figures. Linux only: it pins processes, and reads /proc.
"""
