"""Telling many changes at once: plain scopes are put to the compiled code of `storm`, its answers become outputs.

Every other scope goes the plain way, which is the specification: both write the same bytes.
"""
