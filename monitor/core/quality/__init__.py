"""The price quality gate: which marks are good, suspect or bad, and why.

Verdicts are functions of the price history alone; what follows for scopes is the board's and the verdict's business.
"""
