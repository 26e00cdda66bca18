"""
VICIdial and what is built on it (Dialer360, Elision): one URL, `function=`, plain text answers.

Takes: a function, its parameters, an answer's bytes.  Gives: a VendorAnswer, secrets removed.
May touch: model, sources.port, sources.wire, config
"""
