"""The HTTP door: metrics and health, answered to whoever may reach the address; what they say is told by others."""

from monitor.adapters.http.routes import Answer, Check, Route, as_json, health, standard_routes
from monitor.adapters.http.server import HttpServer
from monitor.adapters.http.settings import HttpSettings, read_token
from monitor.adapters.http.thread import HttpThread

__all__ = [
    "Answer",
    "Check",
    "HttpServer",
    "HttpSettings",
    "HttpThread",
    "Route",
    "as_json",
    "health",
    "read_token",
    "standard_routes",
]
