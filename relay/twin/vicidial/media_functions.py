"""
Sounds, music, voicemail boxes: lists for the vendor's own pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.calls import local

SOUNDS: Final = (("hold-music.wav", 8044), ("vm-goodbye.gsm", 8044), ("welcome.wav", 8044))
MUSIC: Final = (("default", "Default music on hold"), ("quiet", "Silence"))
_FRAME: Final = (
    "\n<HTML><head><title>NON-AGENT API</title>\n"
    '<script language="Javascript">\nfunction choose(name)\n\t{{\n\tparent.value = name;\n\t}}\n</script>\n'
    "</head>\n\n<body>\n"
    "<div id='selectframe' style=\"height:400px;width:710px;overflow:scroll;\">\n"
    "<table border=0 cellpadding=1 cellspacing=2 width=690 bgcolor=white>\n{rows}</table></div>\n"
    "</body></html>\n"
)


def sounds_list(ask: Ask) -> str:
    """
    List the audio files: lines of tabs, links, or a page; nothing at all without a stage.

    Each call of the real page takes a second, which this one does not.
    """
    refusal = _no_sounds(ask)
    if refusal is not None:
        return refusal
    style = ask.get("format") or "selectframe"
    if style == "selectframe":
        return _page(name for name, _ in SOUNDS)
    if not ask.get("stage"):
        return ""
    moved = local(ask.world.now_ms, ask.world.zone).replace(hour=0, minute=0, second=0)
    if style == "link":
        return "".join(f'<a href="{ask.url}/sounds_dir/{name}">{name}</a><br>\n' for name, _ in SOUNDS)
    return "".join(
        f"{number}\t{name}\t{moved:%Y-%m-%d %H:%M:%S}.\t{size}\t{moved.timestamp():.0f}\n"
        for number, (name, size) in enumerate(SOUNDS)
    )


def moh_list(ask: Ask) -> str:
    """
    List the classes of music on hold as a page, whatever format is asked for.
    """
    return _no_sounds(ask) or _page(f"{name} {text}" for name, text in MUSIC)


def vm_list(ask: Ask) -> str:
    """
    List the voicemail boxes as a page: one for each phone.
    """
    return _no_sounds(ask) or _page(phone.extension for phone in ask.world.office.phones.values())


def _no_sounds(ask: Ask) -> str | None:
    control = ask.world.office.sound_control
    if control == "off":
        return f"ERROR: {ask.function} CENTRAL SOUND CONTROL IS NOT ACTIVE\n"
    if control == "missing" and ask.function == "sounds_list":
        details = f"|{ask.caller.user}|{ask.function}|WEBROOT/sounds_dir|"
        return f"ERROR: audio store web directory does not exist: {details}\n"
    return None


def _page(names: Iterable[str]) -> str:
    rows = "".join(
        f"<tr><td width=30>{number}</td><td>{name}</td></tr>\n" for number, name in enumerate(names, 1)
    )
    return _FRAME.format(rows=rows)


FUNCTIONS: Final[dict[str, Answer]] = {"sounds_list": sounds_list, "moh_list": moh_list, "vm_list": vm_list}
