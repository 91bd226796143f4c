"""What a failure of aiokafka means in the words of the port; why a connection failed is found out elsewhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import errors

from monitor.app.ports import LogFault, LogForbidden, LogUnavailable

CLIENT_FAILURES = (errors.KafkaError, errors.ConsumerStoppedError, OSError)

_FORBIDDEN = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.ClusterAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.IllegalSaslStateError,
    errors.SaslAuthenticationFailed,
    errors.TopicAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.UnsupportedSaslMechanismError,
)


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False
    return isinstance(error, (*_FORBIDDEN, ssl.SSLError))


def text_of(error: BaseException) -> str:
    """Return the kind and the words of an error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def fault_of(error: BaseException, doing: str) -> LogFault:
    """Return what a failure amounts to: `LogForbidden` when credentials or rights are missing, else unavailable."""
    cause: BaseException | None = error
    while cause is not None:
        if _is_refusal(cause):
            return LogForbidden(f"{doing}: {text_of(cause)}")
        cause = cause.__cause__
    return LogUnavailable(f"{doing}: {text_of(error)}")


@asynccontextmanager
async def bounded(seconds: float, doing: str) -> AsyncIterator[None]:
    """Give the body a time limit and turn failures of the client into faults of the port."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise LogUnavailable(f"{doing}: no answer within {seconds:g} s") from error
    except CLIENT_FAILURES as error:
        raise fault_of(error, doing) from error
