"""
Doubles that ship with relay: manual clock, scripted source, recording sink, verifying receiver.

Takes: a script.  Gives: something that stands at a port.
May touch: model, and the ports of the rooms
"""
