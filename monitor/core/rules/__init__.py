"""Account rules: lines a cautious trader draws for himself, beside the ladder of the venue.

Each rule's value, its levels, what is remembered of it and the event it sends have a room of their own here. They are
no statuses: nothing here changes what a scope is told to be.
"""
