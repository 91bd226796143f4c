"""The gateway as a whole: sessions, their number by token, heartbeats, and the end that is told to everybody."""

from __future__ import annotations

import asyncio
from collections import Counter

from monitor.app.gateway.access import Doorkeeper, Grant
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.session import GOING_AWAY, TOO_MANY, UNAUTHORIZED, NotWelcome, Session
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.subscription import Outlet

_SLICES = 20
"""Heartbeats are spread over their interval, so that no event waits behind thousands of them."""


class Gateway:
    """Open and end the sessions of one hub."""

    def __init__(self, hub: Hub, settings: GatewaySettings, doorkeeper: Doorkeeper, observer: GatewayObserver) -> None:
        self._hub = hub
        self._settings = settings
        self._doorkeeper = doorkeeper
        self._observer = observer
        self._room = asyncio.Semaphore(settings.max_snapshots)
        self._sessions: set[Session] = set()
        self._by_token: Counter[str] = Counter()
        self._draining = False

    def open(self, outlet: Outlet) -> Session:
        """Begin a session. Raises `NotWelcome` when the house is full or closing."""
        if self._draining:
            raise NotWelcome(GOING_AWAY, "the gateway is stopping")
        if len(self._sessions) >= self._settings.max_clients:
            self._observer.refused("full")
            raise NotWelcome(TOO_MANY, "too many clients")
        session = Session(self._hub, outlet, self._settings, self._observer, self._room, self._admit)
        self._sessions.add(session)
        self._observer.clients(len(self._sessions))
        return session

    def close(self, session: Session) -> None:
        """End a session whose client has gone."""
        session.end()
        self._sessions.discard(session)
        if session.grant is not None:
            self._by_token[session.grant.name] -= 1
        self._observer.clients(len(self._sessions))

    async def beat(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            sessions = list(self._sessions)
            for number in range(_SLICES):
                now_ms, token = self._hub.now_ms(), self._hub.token()
                for session in sessions[number::_SLICES]:
                    if session in self._sessions and session.grant is not None:
                        session.heartbeat(now_ms, token)
                await asyncio.sleep(self._settings.heartbeat_ms / 1000 / _SLICES)

    def change_locks(self, doorkeeper: Doorkeeper) -> int:
        """Admit by other grants from here on; return how many clients whose grant stands no more were let go."""
        self._doorkeeper = doorkeeper
        gone = [session for session in self._sessions if session.grant and not doorkeeper.stands(session.grant)]
        for session in gone:
            self._observer.dropped("token")
            session.say_goodbye("this token is not known any more, or grants something else", UNAUTHORIZED)
        return len(gone)

    def drain(self) -> None:
        """Tell everybody that we stop, and when to come back."""
        self._draining = True
        for session in list(self._sessions):
            session.say_goodbye("stopping", GOING_AWAY, retry_ms=1_000)

    def _admit(self, token: str) -> Grant:
        grant = self._doorkeeper.grant_of(token)
        if grant is None:
            self._observer.refused("token")
            raise NotWelcome(UNAUTHORIZED, "this token is not known")
        most = grant.max_clients or self._settings.max_clients_each
        if self._by_token[grant.name] >= most:
            self._observer.refused("clients_per_token")
            raise NotWelcome(TOO_MANY, f"more than {most} clients with this token")
        self._by_token[grant.name] += 1
        return grant
