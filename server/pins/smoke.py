"""``smoke``: after a rollout, see that a service serves what its manifest says, and answers as it did at promotion.

Where no answer is known, that it serves, and is healthy, is all that there is to see.
While pods are replaced, old ones still answer. So it waits for a pod that reports the manifest's model and image, and
asks that one: a Service chooses a pod for each connection, so both are asked on one.
"""

from __future__ import annotations

import http.client
import json
import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from server.errors import BadSetting, NotServed, WrongAnswer
from server.pins.expectation import Expectation
from server.pins.protocols import SeldonProtocol, images

# What the orchestrator answers of itself, which has no other path for the health of a graph.
READY = "/ready"
INTERVAL_SECONDS = 1.0
# The digest of a large model takes a while to compute.
REQUEST_SECONDS = 60.0

log = logging.getLogger(__name__)


class _NotYet(Exception):
    """The service cannot answer now, or a pod of another manifest does."""


def smoke(
    url: str,
    digests: Sequence[str],
    image: str,
    expected: Expectation | None,
    *,
    seconds: float,
    asking: SeldonProtocol | None = None,
) -> None:
    """Wait at most ``seconds`` for the models of ``digests`` at ``url``, then compare their answer.

    Without an ``expected`` answer their health is checked instead.

    ``digests`` are those of all nodes of the graph; ``image``, if not empty, is the one that all of them run. ``asking``
    is the protocol, Seldon's if not given.

    Raises:
        BadSetting: ``url`` is not an HTTP URL.
        BadExpectation: the protocol cannot carry the expected request.
        NotServed: the service does not serve these models by this image in that time.
        WrongAnswer: it does not answer as expected.
    """
    host, asking = _host(url), asking or SeldonProtocol()
    request = json.dumps(asking.request(expected)).encode() if expected else b""
    end = time.monotonic() + seconds
    while True:
        try:
            differences = _compare(host, digests, image, expected, asking, request)
            break
        except _NotYet as error:
            if time.monotonic() + INTERVAL_SECONDS > end:
                raise NotServed(
                    f"{url} {error} after {seconds:g} s; look at the pods' events and logs"
                ) from error
            time.sleep(INTERVAL_SECONDS)
    if differences:
        raise WrongAnswer(
            f"{url} answers otherwise than when the model was promoted: {'; '.join(differences)}"
        )
    if expected is None:
        log.warning(
            "%s serves %s and is healthy; its expected.json names no request, so no answer is compared",
            url,
            ", ".join(digests),
        )
        return
    log.info("%s serves %s and answers as expected", url, ", ".join(digests))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or http.client.HTTP_PORT
    except ValueError as error:
        raise BadSetting(f"{url!r}: {error}; it must be http://HOST:PORT of a Service") from error
    if parts.scheme != "http" or not parts.hostname or url != f"http://{parts.netloc}" or "@" in url:
        raise BadSetting(f"{url!r}: must be http://HOST:PORT of a Service, without a path")
    return f"{parts.hostname}:{port}"


def _compare(
    host: str,
    digests: Sequence[str],
    image: str,
    expected: Expectation | None,
    asking: SeldonProtocol,
    request: bytes,
) -> list[str]:
    """Return how the answer differs from the expected one, asked on a connection of its own."""
    connection = http.client.HTTPConnection(host, timeout=REQUEST_SECONDS)
    try:
        status, text = _ask(connection, "GET", asking.metadata)
        reported = _versions(_json(text)) if status == 200 else set()
        if not reported.issuperset(digests):
            said = ", ".join(sorted(reported)) or f"no model (metadata: {status} {_short(text)})"
            raise _NotYet(f"serves {said} instead of {', '.join(digests)}")
        if image and asking.server:
            _check_server(connection, asking.server, image)
        if expected is None:
            status, text = _ask(connection, "GET", asking.health)
            if status == 404:
                status, text = _ask(connection, "GET", READY)
        else:
            status, text = _ask(connection, "POST", asking.predictions, request)
    except (OSError, http.client.HTTPException) as error:
        raise _NotYet(f"does not answer ({type(error).__name__}: {error})") from error
    finally:
        connection.close()
    if status == 503:
        raise _NotYet(f"answers 503 {_short(text)}")
    if status != 200:
        return [f"status {status}, {_short(text)}"]
    answer = _json(text)
    for node, served in images(answer).items():
        if image and served != image:
            raise _NotYet(f"runs {served} in node {node} instead of {image}")
    return expected.differences(asking.answer(expected, answer)) if expected else []


def _check_server(connection: http.client.HTTPConnection, path: str, image: str) -> None:
    """Wait for a server of ``image``. An orchestrator has no such path, and tells no node's image by it."""
    status, text = _ask(connection, "GET", path)
    said = _json(text) if status == 200 else None
    served = said.get("version") if isinstance(said, dict) else None
    if served and served != image:
        raise _NotYet(f"runs {served} instead of {image}")


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _versions(metadata: Any) -> set[str]:
    """Return the versions in a model's metadata, or in those of all models of a graph.

    The orchestrator's: https://docs.seldon.io/projects/seldon-core/en/v1.17.1/examples/graph-metadata.html
    """
    if not isinstance(metadata, dict):
        return set()
    models = metadata.get("models", {"": metadata})
    models = models.values() if isinstance(models, dict) else ()
    return {
        str(version) for model in models if isinstance(model, dict) for version in model.get("versions") or ()
    }


def _short(text: str) -> str:
    return " ".join(text.split())[:500] or "without a body"
