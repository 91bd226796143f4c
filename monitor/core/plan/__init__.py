"""The liquidation plan of a scope: what a venue would do to bring it back above its line, as advice.

One room for each rule, one for what a reduction does to the figures, one for the plan. No order is ever sent from here.
"""
