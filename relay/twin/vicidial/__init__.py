"""
A simulated VICIdial server, as Dialer360 sells it under another name: agents, calls, leads, and their API.

Takes: settings, a clock.  Gives: the vendor's API on loopback, and the truth behind it.
May touch: model
"""
