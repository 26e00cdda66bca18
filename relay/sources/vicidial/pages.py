"""
Answers that are HTML and data at once: lists of sounds, music and voicemail boxes, an agent's in-groups.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Final

# The cells of a line of each list; a line of another width has all of them under `extra`.
_CELLS: Final = {
    "sounds_list": ("number", "filename", "date", "size"),
    "moh_list": ("number", "moh_id", "moh_name", "random"),
    "vm_list": ("number", "voicemail_id", "fullname", "email"),
}
IN_GROUPS: Final = "agent_ingroup_info"
PAGE_FUNCTIONS: Final = frozenset({*_CELLS, IN_GROUPS})
_ROW_ENDS: Final = ("tr", "table", "body", "html")
_SILENT: Final = frozenset({"script", "style", "title"})


class _Page(HTMLParser):
    """
    Collects the cells of table rows, the links outside of tables, and the visible text.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.is_whole = False
        self._cells: list[str] | None = None
        self._in_cell = False
        self._link: tuple[str, list[str]] | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "tr":
            self._end_row()
            self._cells = []
        elif tag == "td" and self._cells is not None:
            self._cells.append("")
            self._in_cell = True
        elif tag == "a":
            self._link = (dict(attrs).get("href") or "", [])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "td":
            self._in_cell = False
        elif tag in _ROW_ENDS:
            self._end_row()
            self.is_whole = self.is_whole or tag != "tr"
        elif tag == "a" and self._link is not None:
            if self._cells is None:
                self.links.append((self._link[0], "".join(self._link[1]).strip()))
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._silent or not data.strip():
            return
        self.words.append(" ".join(data.split()))
        if self._link is not None:
            self._link[1].append(data)
        if self._cells and self._in_cell:
            self._cells[-1] += data

    def _end_row(self) -> None:
        if self._cells:
            self.rows.append([" ".join(cell.split()) for cell in self._cells])
        self._cells = None


def read_page(function: str, text: str) -> list[dict[str, Any]] | None:
    """
    Return the rows of an HTML answer; None where its end is missing or nothing in it is known.

    A list gives one row a line; the in-groups of an agent give one row with the page's `text`.
    """
    page = _Page()
    page.feed(text)
    page.close()
    if function == IN_GROUPS:
        return [{"text": "\n".join(page.words)}] if page.is_whole and page.words else None
    links = [{"filename": name, "url": url} for url, name in page.links if "://" in url and name]
    if function == "sounds_list" and links and not page.rows:
        return links
    if not page.is_whole:
        return None
    names = _CELLS[function]
    rows = [_row(names, cells) for cells in page.rows if cells[0].isdecimal()]
    return rows if rows or any(cells[0] == "#" for cells in page.rows) else None


def _row(names: tuple[str, ...], cells: list[str]) -> dict[str, Any]:
    return dict(zip(names, cells, strict=True)) if len(cells) == len(names) else {"extra": cells}
