"""Tests of the price quality gate; `python -m tests.quality` counts false alarms on the recorded series."""
