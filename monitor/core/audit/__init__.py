"""The self-audit: what the fast store holds against the facts it was made from, a piece at a time."""
