"""
The vendor's page: from the parameters of a request to its answer, in the order of the page's own checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from relay.twin.vicidial import status_functions
from relay.twin.vicidial.admission import Admission, bad_source, may_use
from relay.twin.vicidial.asking import Ask, Reply, filtered
from relay.twin.vicidial.builds import BUILDS, Build
from relay.twin.vicidial.functions import FUNCTIONS, Function
from relay.twin.vicidial.office import User
from relay.twin.vicidial.settings import DialerTwinSettings
from relay.twin.vicidial.world import World

TEAPOT: Final = "Coffee: coffee|Error 418 I'm a teapot"
NOBODY: Final = User("", "", "")


class Page:
    """
    Answers as one build of the page; `version` and `has_php8` may be changed at any time.
    """

    def __init__(self, settings: DialerTwinSettings, world: World) -> None:
        self._world = world
        self.version = settings.dialect.version
        self.has_php8 = settings.dialect.has_php8
        self.admission = Admission(world.office.users, settings.access.whitelist)

    def answer(self, given: Iterable[tuple[str, str]], address: str | None, url: str = "") -> Reply:
        """
        Answer a request; the status is 500 where PHP 8 stumbles over its own answer.
        """
        params = filtered(given)
        reply = self._checked(params, address, url)
        answered = Reply(reply) if isinstance(reply, str) else reply
        # The page logs its answer with the text unescaped in an SQL string, after it has sent it.
        is_logged = "'" in answered.body and "<HTML>" not in answered.body
        if is_logged and answered.status == HTTPStatus.OK and self.has_php8 and self._build.is_newer:
            return answered._replace(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return answered

    @property
    def _build(self) -> Build:
        return BUILDS[self.version]

    def _checked(self, params: dict[str, str], address: str | None, url: str) -> str | Reply:
        """
        Check login, address, function, source and rights in this order (reference/vicidial.md, 1).
        """
        name = params.get("function", "")
        if name == "version":
            return status_functions.version(self._ask(params, NOBODY, url))
        caller = self.admission.login(params.get("user", ""), params.get("pass", ""), self._world.now_ms)
        if isinstance(caller, str):
            return caller
        refusal = self.admission.refused_address(address)
        if refusal is not None:
            return refusal
        if name == "coffee" and self._build.is_newer:
            return Reply(TEAPOT, HTTPStatus.IM_A_TEAPOT)
        function = FUNCTIONS.get(name)
        if function is None:
            return "ERROR: NO FUNCTION SPECIFIED\n"
        ask = self._ask(params, caller, url)
        return self._refused(ask, function) or function.answer(ask)

    def _refused(self, ask: Ask, function: Function) -> str | None:
        caller = ask.caller
        if function.needs_source:
            refusal = bad_source(ask.get("source"))
            if refusal is not None:
                return refusal
        if not may_use(caller, ask.function):
            return (
                "ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: "
                f"|{caller.user}|{ask.function}|\n"
            )
        if caller.level < function.level or function.permission not in caller.permissions:
            return ask.refused(function.denial, "0", "")
        return None

    def _ask(self, params: dict[str, str], caller: User, url: str) -> Ask:
        return Ask(params, caller, self._build, self._world, self.has_php8, url)
