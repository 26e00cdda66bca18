"""
`relay demo`: a phone system, relay as a process of its own and a receiver, put through their paces.

Takes: how long, a seed, a Kafka where there is one.  Gives: progress on a screen, and a verdict.
May touch: assembly, config, model, twin, testing

In the order of reading: settings, stage (who is there), acts (what happens when), figures and screen
(what is shown meanwhile), verdict (what came of it).
"""
