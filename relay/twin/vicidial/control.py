"""
What POST /control may say.

    {"faults": {"broken": {"rate": 0.05}, "delay": null}}   switch faults on and off (null: all off)
    {"making_calls": false}                                 no new calls (true: again)
    {"restart_database": true}                              every call reads DEAD, nobody waits any more
    {"version": "2.14-96"}                                  be the other build
    {"php8": false}                                         an apostrophe makes no 500 any more
    {"password": "new"}                                     the API user has another password
    {"lock": "api"}                                         lock a user for 15 minutes
    {"whitelist": ["10.1.2.x"]}                             who may ask ([]: all)
    {"rename": {"1001": "Pat O'Brien"}}                     give agents other names
    {"log_out": ["1001"]}                                   log agents out by force
    {"losing_recordings": true}                             no recording gets a location any more
    {"sound_control": "off"}                                no lists of sounds (missing: no folder; on)
    {"custom_fields": false}                                no custom fields of leads
    {"nanpa_prefixes": ["727555"]}                          the prefixes that there are (null: not loaded)
    {"put": [{"user": "1001", "status": "INCALL", "sub_status": "PARK", "code": null}]}
                                                            put agents into states (a scripted floor only)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.builds import BUILDS
from relay.twin.vicidial.faults import Faults, read_fault
from relay.twin.vicidial.page import Page
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.settings import Access
from relay.twin.vicidial.world import World

Order = Callable[[], object]
_STATE: Final = {"user", "status", "sub_status", "code"}


class ControlError(ValueError):
    """
    A control request that says nothing known, or something that cannot be done.
    """


class Control:
    """
    Reads control requests and obeys them: all of a request, or nothing.
    """

    def __init__(self, world: World, page: Page, faults: Faults, access: Access) -> None:
        self._world = world
        self._page = page
        self._faults = faults
        self._user = world.office.users[access.user]
        self._words: Mapping[str, Callable[[Any], Order]] = {
            "faults": self._switch,
            "making_calls": self._make_calls,
            "restart_database": lambda said: _if(_flag(said), world.floor.restart_database),
            "version": self._version,
            "php8": lambda said: _set(page, "has_php8", _flag(said)),
            "password": lambda said: _set(self._user, "password", _text(said)),
            "lock": self._lock,
            "whitelist": lambda said: _set(page.admission, "whitelist", tuple(_texts(said))),
            "rename": self._rename,
            "log_out": self._log_out,
            "losing_recordings": lambda said: _set(world.exchange, "is_losing_recordings", _flag(said)),
            "sound_control": self._sound_control,
            "custom_fields": lambda said: _set(world.office, "has_custom_fields", _flag(said)),
            "nanpa_prefixes": lambda said: _set(
                world.office, "nanpa_prefixes", None if said is None else frozenset(_texts(said))
            ),
            "put": self._put,
        }

    def obey(self, said: object) -> dict[str, Any]:
        """
        Do what a control request says; return what holds now.

        Raises:
            ControlError: an unknown word, or a value that is not as above; nothing was done then.
        """
        if not isinstance(said, dict) or not said or not set(self._words).issuperset(said):
            raise ControlError(f"say one or more of {', '.join(self._words)}")
        for order in [self._words[word](value) for word, value in said.items()]:
            order()
        making = not self._world.traffic.is_stopped
        return {"making_calls": making, "version": self._page.version, "faults": self._faults.as_json()}

    def _switch(self, said: Any) -> Order:
        if said is None:
            return self._faults.off
        if not isinstance(said, dict):
            raise ControlError("faults must be null, or an object with details, or null, by a fault's name")
        try:
            read = {name: read_fault(name, details or {}) for name, details in said.items()}
        except ValueError as error:
            raise ControlError(str(error)) from error

        def switch() -> None:
            for name, details in said.items():
                if details is None:
                    self._faults.off(name)
                else:
                    self._faults.on(read[name])

        return switch

    def _make_calls(self, said: Any) -> Order:
        return _set(self._world.traffic, "is_stopped", not _flag(said))

    def _version(self, said: Any) -> Order:
        if said not in BUILDS:
            raise ControlError(f"version must be one of {', '.join(BUILDS)}")
        return _set(self._page, "version", said)

    def _sound_control(self, said: Any) -> Order:
        if said not in ("on", "off", "missing"):
            raise ControlError("sound_control must be on, off or missing")
        return _set(self._world.office, "sound_control", said)

    def _lock(self, said: Any) -> Order:
        user = _text(said)
        return lambda: self._page.admission.lock(user, self._world.now_ms)

    def _rename(self, said: Any) -> Order:
        if not isinstance(said, dict):
            raise ControlError("rename must be an object with names by user")
        names = [(self._agent(user).person, _text(name)) for user, name in said.items()]

        def rename() -> None:
            for person, name in names:
                person.full_name = name

        return rename

    def _log_out(self, said: Any) -> Order:
        agents = [self._agent(user) for user in _texts(said)]

        def log_out() -> None:
            for agent in agents:
                self._world.log_out(agent.user)

        return log_out

    def _put(self, said: Any) -> Order:
        if not self._world.is_scripted:
            raise ControlError("agents are put into states on a scripted floor only")
        if not isinstance(said, list) or not all(
            isinstance(one, dict) and _STATE.issuperset(one) for one in said
        ):
            raise ControlError(f"put must be a list of objects with {', '.join(sorted(_STATE))}")
        script = Script(self._world)
        for one in said:
            self._agent(one.get("user"))
            if (one.get("status"), one.get("sub_status") or "") not in script.states:
                raise ControlError(f"no state {one.get('status')} {one.get('sub_status') or ''}")
        return lambda: [
            script.put(one["user"], one["status"], one.get("sub_status") or "", one.get("code"))
            for one in said
        ]

    def _agent(self, user: Any) -> Agent:
        agent = self._world.floor.agents.get(user) if isinstance(user, str) else None
        if agent is None:
            raise ControlError(f"no agent {user}")
        return agent


def _set(thing: object, name: str, value: object) -> Order:
    return lambda: setattr(thing, name, value)


def _if(is_wanted: bool, order: Order) -> Order:
    return order if is_wanted else lambda: None


def _flag(said: Any) -> bool:
    if not isinstance(said, bool):
        raise ControlError(f"true or false, not {said!r}")
    return said


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise ControlError(f"a text, not {said!r}")
    return said


def _texts(said: Any) -> list[str]:
    if not isinstance(said, list):
        raise ControlError(f"a list of texts, not {said!r}")
    return [_text(one) for one in said]
