"""Portfolio margin: the methods an account's whole cross book may be margined by, as pure functions.

Each method has a room of its own; `terms` holds their parameters. Who is margined so is not known here.
"""
