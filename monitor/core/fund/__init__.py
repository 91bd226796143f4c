"""Insurance funds at work: claims on them, what a fund decides about each, and the requests that travel between shards.

What a fund holds is stated in `monitor.core.funds`; who is deleveraged when it cannot pay is the ADL queue's business.
"""
