"""seldon-core-microservice on one address: the wrapper has 0.0.0.0 written into it, and a laptop is no pod.

Run by the interpreter of the wrapper's environment (tools/seldon-core) with the wrapper's own arguments.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from seldon_core import gunicorn_utils, microservice, wrapper

HOST = os.environ.get("SERVER_HOST", "127.0.0.1")
ANY = "0.0.0.0"  # noqa: S104  what the wrapper says

_load_config = gunicorn_utils.StandaloneApplication.load_config
_get_grpc_server = wrapper.get_grpc_server


def load_config(application: Any) -> None:
    """Configure gunicorn as the wrapper does, but for the address."""
    _load_config(application)
    application.cfg.set(
        "bind", [address.replace(ANY, HOST) for address in application.cfg.settings["bind"].get()]
    )


def get_grpc_server(*arguments: Any, **options: Any) -> Any:
    """Return the wrapper's gRPC server, which listens on the address that is asked for."""
    server = _get_grpc_server(*arguments, **options)
    add_insecure_port = server.add_insecure_port
    server.add_insecure_port = lambda address: add_insecure_port(address.replace(ANY, HOST))
    return server


gunicorn_utils.StandaloneApplication.load_config = load_config
wrapper.get_grpc_server = get_grpc_server

if __name__ == "__main__":
    sys.exit(microservice.main())
