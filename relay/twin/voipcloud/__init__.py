"""
A simulated VoIPcloud PBX: its people, its calls, its API with the vendor's rules.

Takes: settings, a clock.  Gives: the vendor's API on loopback, and the truth behind it.
May touch: model, and the truth of the twins
"""
