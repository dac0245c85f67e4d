"""The servers that are compared, and the settings that are tried of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.serving import environments
from benchmarks.serving.dialect import MLFLOW, SELDON, SELDON_GRPC, V2, V2_GRPC, Dialect
from benchmarks.serving.peer import HOST, Command, Peer, Ports
from benchmarks.serving.rows import METHOD, MODEL, ROOT
from gitops import tools

NDARRAY, DATAFRAME = "ndarray", "DataFrame"
# What the stock wrapper serves: the component that the conformance tests compare with.
COMPONENT = ROOT / "tests" / "conformance" / "plain.py"
LIMIT_APP = ROOT / "benchmarks" / "peers" / "limit"


def server(
    name: str,
    xtype: str = NDARRAY,
    service_type: str = "MODEL",
    tuning: Mapping[str, str] | None = None,
    dialect: Dialect = SELDON,
    grpc: Dialect = SELDON_GRPC,
    model: Path = MODEL,
    method: str = METHOD,
) -> Peer:
    """Return this project's server as a container of a pod starts it, with its defaults but for ``tuning``.

    The requirements of ``model`` are those of MODEL.
    """

    def command(ports: Ports) -> Command:
        return Command(
            [str(environments.server()), "-m", "server", "serve", "--environment", str(environments.ours())],
            {
                "PYTHONPATH": str(ROOT),
                "SERVER_HOST": HOST,
                "SERVICE_TYPE": service_type,
                **_operator(ports, xtype, model, method),
                **(tuning or {}),
            },
        )

    return Peer(name, dialect, command, "/health/status", grpc=grpc)


def limit(name: str, workers: int) -> Peer:
    """Return uvicorn with the model in its own process, doing nothing else."""

    def command(ports: Ports) -> Command:
        return Command(
            [
                *(str(environments.python("limit")), "-m", "uvicorn", "--app-dir", str(LIMIT_APP), "app:app"),
                *("--host", HOST, "--port", str(ports.http), "--workers", str(workers)),
                *("--no-access-log", "--log-level", "warning"),
            ],
            {"BENCH_MODEL": str(MODEL / "model.skops"), "BENCH_METHOD": METHOD},
        )

    return Peer(name, SELDON, command, "/")


def stock(name: str, xtype: str, tuning: Mapping[str, str]) -> Peer:
    """Return seldon-core-microservice 1.17.1 with a plain component; ``tuning`` is in its environment variables."""

    def command(ports: Ports) -> Command:
        arguments = [str(tools.seldon_core_python()), *tools.SELDON_CORE_PROGRAM, f"{COMPONENT.stem}.Plain"]
        arguments += ["--http-port", str(ports.http), "--grpc-port", str(ports.grpc)]
        arguments += ["--metrics-port", str(ports.metrics)]
        path = f"{ROOT}:{COMPONENT.parent}"
        return Command(arguments, {"PYTHONPATH": path, **_operator(ports, xtype), **tuning})

    return Peer(name, SELDON, command, "/health/status", grpc=SELDON_GRPC)


def mlserver(name: str, tuning: Mapping[str, str]) -> Peer:
    """Return MLServer 1.7 with its runtime for scikit-learn."""

    def command(ports: Ports) -> Command:
        interpreter = str(environments.python("mlserver"))
        environ = {
            "MLSERVER_HOST": HOST,
            "MLSERVER_HTTP_PORT": str(ports.http),
            "MLSERVER_GRPC_PORT": str(ports.grpc),
            "MLSERVER_METRICS_PORT": str(ports.metrics),
            **tuning,
        }
        program = [interpreter, "-c", "from mlserver.cli import main; main()"]
        return Command([*program, "start", str(environments.mlserver_model())], environ)

    return Peer(name, V2, command, "/v2/models/iris/ready", grpc=V2_GRPC)


def mlflow(name: str, tuning: Mapping[str, str]) -> Peer:
    """Return `mlflow models serve`."""

    def command(ports: Ports) -> Command:
        interpreter = environments.python("mlflow")
        arguments = [str(interpreter), "-m", "mlflow", "models", "serve", "--env-manager", "local"]
        arguments += ["--model-uri", str(environments.mlflow_model()), "--host", HOST]
        arguments += ["--port", str(ports.http), "--workers", tuning["--workers"]]
        # It starts uvicorn by name.
        return Command(arguments, {"PATH": f"{interpreter.parent}:/usr/bin:/bin"})

    return Peer(name, MLFLOW, command, "/health")


# What is tried of each; the fastest with 2 rows is what is compared. The first is the default.
STOCK_TUNINGS: list[dict[str, str]] = [
    {
        "GUNICORN_WORKERS": workers,
        "GUNICORN_THREADS": threads,
        "GRPC_WORKERS": workers,
        "GRPC_THREADS": threads,
    }
    for workers, threads in (("1", "1"), ("2", "1"), ("2", "4"), ("4", "1"))
]
MLSERVER_TUNINGS: list[dict[str, str]] = [
    {"MLSERVER_PARALLEL_WORKERS": "1"},
    {"MLSERVER_PARALLEL_WORKERS": "0"},
    {"MLSERVER_PARALLEL_WORKERS": "2"},
    {
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_MODEL_MAX_BATCH_SIZE": "16",
        "MLSERVER_MODEL_MAX_BATCH_TIME": "0.001",
    },
]
MLFLOW_TUNINGS: list[dict[str, str]] = [{"--workers": "1"}, {"--workers": "2"}]


def _operator(ports: Ports, xtype: str, model: Path = MODEL, method: str = METHOD) -> dict[str, str]:
    """Return what Seldon's operator gives a container."""
    parameters = {"model_uri": str(model), "xtype": xtype, "predict_method": method}
    return {
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(ports.http),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(ports.grpc),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(ports.metrics),
        "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
            [{"name": key, "value": value, "type": "STRING"} for key, value in parameters.items()]
        ),
    }
