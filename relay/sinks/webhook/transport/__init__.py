"""
The HTTP/1.1 client of the delivery path: one POST, one answer, never a second try.

Takes: a target, headers, a body, a deadline.  Gives: a Reply or a TransportError.
May touch: model, and the guard and URL reader beside it
"""
