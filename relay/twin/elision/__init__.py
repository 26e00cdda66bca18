"""
A simulated Elision dialer: users as text, lists and leads as JSON, on one address.

Takes: settings.  Gives: the vendor's API on loopback, and what its callers have changed.
May touch: model, and the faults of the VICIdial twin, which Elision descends from
"""
