"""
Dialer360 and Elision, dialers made of VICIdial: one URL, functions by name, plain text or JSON.

Takes: an account.  Gives: answers of functions, read and without secrets.
May touch: model, config, telemetry; the network.
"""
