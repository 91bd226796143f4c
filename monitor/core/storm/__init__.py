"""The compiled code that decides and words many scopes at once: exact figures, and every output about them as JSON.

All modules here are compiled, or hold what is compiled into them; `herald` puts questions to them.
"""
