"""Every error that the server reports, and what each means to HTTP, gRPC and the process's exit code.

An error's message names the value, the rule that it breaks and the fix. Seldon's
error body (https://docs.seldon.io/projects/seldon-core/en/v1.17.1/python/python_component.html)
is made from ``reason`` and the message by ``server.protocol.json_codec.failure``.
"""

from __future__ import annotations

from collections.abc import Iterable


class ServerError(Exception):
    """An error of this server. Subclasses say how each interface reports it.

    ``status`` is the HTTP status, ``grpc`` the name of the gRPC status code, ``reason`` the
    ``status.reason`` of Seldon's error body, ``exit_code`` what a verb ends with.
    """

    status = 500
    grpc = "INTERNAL"
    reason = "MICROSERVICE_INTERNAL_ERROR"
    exit_code = 1

    @property
    def is_fault(self) -> bool:
        """Whether the server or its model is at fault, and not the client or the moment: such errors are logged."""
        return self.status >= 500

    def __str__(self) -> str:
        """Return the message; halves of surrogate pairs, which no protocol can carry, as they stand in Python."""
        return super().__str__().encode("utf-8", "backslashreplace").decode()


class BadSetting(ServerError):
    """A setting, a graph parameter or a command line argument has a value that it cannot have."""

    exit_code = 2


# What a client of the served model can do wrong, and what can go wrong while it is answered.


class BadData(ServerError):
    """The request is malformed, or does not fit the model's signature."""

    status = 400
    grpc = "INVALID_ARGUMENT"
    reason = "MICROSERVICE_BAD_DATA"


class BodyTooLarge(BadData):
    """The request's body is over the limit."""

    status = 413
    grpc = "RESOURCE_EXHAUSTED"


class TooCostly(BodyTooLarge):
    """The request would take more memory than a single request may."""


class HeadTooLarge(BadData):
    """The request's target and headers are over the limit."""

    status = 431
    grpc = "RESOURCE_EXHAUSTED"


class TooSlow(BadData):
    """The client has not sent the request within the read timeout."""

    status = 408
    grpc = "DEADLINE_EXCEEDED"


class NoSuchPath(BadData):
    """The path is not one that the server answers."""

    status = 404
    grpc = "UNIMPLEMENTED"


class NoSuchVersion(NoSuchPath):
    """The model has no version of this name."""

    grpc = "NOT_FOUND"


class MethodNotAllowed(BadData):
    """The path does not allow this HTTP method."""

    status = 405
    grpc = "UNIMPLEMENTED"

    def __init__(self, message: str, allowed: Iterable[str]) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class NotReady(ServerError):
    """The model is not loaded, or its process has ended and is being started again."""

    status = 503
    grpc = "UNAVAILABLE"
    reason = "MICROSERVICE_NOT_READY"
    is_fault = False
    # When a client may try again what could not be answered for now.
    retry_seconds = 1


class TooManyConnections(NotReady):
    """The server has its largest number of connections."""

    grpc = "RESOURCE_EXHAUSTED"


class Overloaded(NotReady):
    """More requests wait for the model than may."""

    grpc = "RESOURCE_EXHAUSTED"


class BudgetFull(NotReady):
    """The requests under way take too much memory for another one."""

    grpc = "RESOURCE_EXHAUSTED"


class DeadlineExceeded(ServerError):
    """The model has not answered in the time that a request may take."""

    status = 504
    grpc = "DEADLINE_EXCEEDED"
    reason = "MICROSERVICE_DEADLINE_EXCEEDED"


class ModelFailed(ServerError):
    """The model raised an exception; the message holds its type and text.

    Args:
        message: as of every error.
        traceback: of the exception, for the log alone.
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class BadMetadata(ServerError):
    """Metadata of the model, from its folder or a setting, cannot be expressed in the protocol."""

    reason = "MICROSERVICE_BAD_METADATA"


# Why fetch can end without a model.


class SourceNotFound(ServerError):
    """There is no such bucket, key, file or model version."""

    exit_code = 10


class AccessDenied(ServerError):
    """The store refuses the credentials, or they do not allow this."""

    exit_code = 11


class SourceUnreachable(ServerError):
    """The store does not answer."""

    exit_code = 12


class DigestMismatch(ServerError):
    """The bytes at the source are not the ones that are pinned."""

    exit_code = 13


class NotAModel(ServerError):
    """The folder is no MLflow model: no MLmodel file, or one that cannot be read."""

    exit_code = 14


class BadDestination(ServerError):
    """The destination cannot be written, or holds something that fetch did not put there."""

    exit_code = 15


class BadArtifact(ServerError):
    """The artifact holds what must not be written to disk, or is larger than allowed."""

    exit_code = 16


class BadSignature(ServerError):
    """The model is not signed, or not by the expected key."""

    exit_code = 17


# Why environment can end without an environment.


class BadRequirements(ServerError):
    """The model's requirements cannot be read."""

    exit_code = 20


class UnresolvableRequirements(ServerError):
    """No set of packages satisfies the model's requirements, or one cannot be installed."""

    exit_code = 21


class NoInterpreter(ServerError):
    """There is no Python interpreter that the model can run on."""

    exit_code = 22


class BadLock(ServerError):
    """The requirements.lock belongs to another model, Python or platform, or is not one."""

    exit_code = 23


# Why serve can end without serving.


class ModelNotLoaded(ServerError):
    """The model cannot be loaded in its environment."""

    exit_code = 30


class ServerProcessEnded(ServerError):
    """A process of the server that answers REST or gRPC has died."""

    exit_code = 31


# Why smoke can fail.


class NotServed(ServerError):
    """The service does not serve the manifest's models by its image in the time that it has."""

    exit_code = 40


class WrongAnswer(ServerError):
    """The service's answer differs from the one recorded at promotion."""

    exit_code = 41


class BadExpectation(ServerError):
    """The file with the expected answer is missing or invalid."""

    exit_code = 42
