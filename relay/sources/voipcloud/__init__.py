"""
VoIPcloud PBX: three call streams and the system status, one API key, 100 requests in 15 minutes.

Takes: a Window.  Gives: a Pull of rows as the vendor sent them.
May touch: model, sources.port, sources.wire, sources.budget, config
"""
