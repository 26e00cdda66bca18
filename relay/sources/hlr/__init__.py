"""
A provider of number look-ups (HLR) over HTTP, as docs/hlr.md describes.

Takes: numbers in E.164.  Gives: one word for each.
May touch: model, config, telemetry; the network.
"""
