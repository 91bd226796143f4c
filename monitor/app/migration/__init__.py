"""Moving the accounts of N shards to M, with all that was told of them, while nobody judges.

The daemon knows nothing of it but that a changelog may be closed.
"""
