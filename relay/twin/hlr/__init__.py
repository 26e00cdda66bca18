"""
A simulated provider of number look-ups.

Takes: a token.  Gives: the look-up of docs/hlr.md on loopback, and what was asked of it.
May touch: model
"""
