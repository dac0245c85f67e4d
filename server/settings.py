"""Every setting of the server: where its value comes from, its default and its meaning.

`make docs` writes docs/settings.md from this file.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.settings_loader import setting


@dataclass(frozen=True)
class FetchSettings:
    """Settings of ``fetch`` and ``inspect``.

    What else obstore's clients read from the environment counts beside them: web identity and instance
    roles (AWS_…), GOOGLE_… and AZURE_…
    """

    access_key_id: str = setting("", "Key of the S3 store.", env="AWS_ACCESS_KEY_ID")
    secret_access_key: str = setting(
        "", "Secret of the key of the S3 store.", env="AWS_SECRET_ACCESS_KEY", secret=True
    )
    session_token: str = setting(
        "", "Token of temporary keys of the S3 store.", env=("AWS_SESSION_TOKEN", "AWS_TOKEN"), secret=True
    )
    endpoint_url: str = setting(
        "",
        "Address of the S3 store, with or without http:// or https://. Default: Amazon's.",
        env=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    )
    use_ssl: bool | None = setting(
        None,
        "Whether an address of the S3 store without a scheme is https (the default) or http.",
        env="USE_SSL",
        kind=bool,
    )
    region: str = setting(
        "", "Region of the S3 store. Default: us-east-1.", env=("AWS_REGION", "AWS_DEFAULT_REGION")
    )
    virtual_hosted_style: bool = setting(
        False,
        "Put the bucket's name before the host of the S3 store instead of into the path.",
        env="AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    )
    ca_bundle: str = setting(
        "",
        "PEM file of certificate authorities to trust beside the system's. MLflow's client trusts no others then, "
        "unless MLFLOW_TRACKING_SERVER_CERT_PATH, MLFLOW_TRACKING_INSECURE_TLS or REQUESTS_CA_BUNDLE is set.",
        env=("FETCH_CA_BUNDLE", "AWS_CA_BUNDLE"),
    )
    authorization: str = setting(
        "",
        "The Authorization header of requests for an archive, as in `Bearer …`.",
        env="FETCH_AUTHORIZATION",
        secret=True,
    )
    tracking_uri: str = setting(
        "",
        "MLflow's tracking server, which resolves models:/ and runs:/. Its own variables (MLFLOW_TRACKING_…) "
        "count beside it.",
        env="MLFLOW_TRACKING_URI",
    )
    signature_key: str = setting(
        "",
        "PEM file of the public key that must have signed the model (OpenSSF model signing, in model.sig). "
        "Default: signatures are not verified.",
        env="FETCH_SIGNATURE_KEY",
    )
    max_bytes: int = setting(
        32 * 1024**3,
        "Largest size of a model in bytes, unpacked; a larger one is refused.",
        env="FETCH_MAX_BYTES",
        minimum=1,
    )
    max_files: int = setting(20_000, "Largest number of files of a model.", env="FETCH_MAX_FILES", minimum=1)
    connections: int = setting(
        8, "How many connections fetch a model at the same time.", env="FETCH_CONNECTIONS", minimum=1
    )


@dataclass(frozen=True)
class ServeSettings:
    """Settings of ``serve``."""

    model_uri: str = setting(
        "/mnt/models", "Folder that holds the model, as `fetch` left it.", parameter="model_uri"
    )
    xtype: str = setting(
        "ndarray",
        "What the model's method gets where both make sense (docs/signature.md): a numpy array, a pandas DataFrame with the "
        "request's names, or with auto a DataFrame where the signature has names or mlflow.pyfunc loads the model, else an array.",
        parameter="xtype",
        choices=("auto", "ndarray", "DataFrame"),
    )
    predict_method: str = setting(
        "",
        "Method of the model to call. Default: `predict`, for the transformers `transform`, and if there is none the other.",
        parameter="predict_method",
    )
    batching: str = setting(
        "auto",
        "Whether requests that wait while the model is busy are answered by one call of it: where it is known to "
        "compute row by row to the same bits, always (the log says by how much a row's answer differs), or never.",
        parameter="batching",
        choices=("auto", "on", "off"),
    )
    batch_rows: int = setting(
        256,
        "How many rows one call of the model may have where it answers several requests.",
        env="SERVER_BATCH_ROWS",
        minimum=1,
    )
    queue_calls: int = setting(
        512,
        "How many requests may wait for the model; one more is answered with 503 (RESOURCE_EXHAUSTED) at once.",
        env="SERVER_QUEUE_CALLS",
        minimum=1,
    )
    deadline_seconds: int = setting(
        60,
        "How long a request may wait for the model's answer; then it is answered with 504 (DEADLINE_EXCEEDED), and not "
        "run if it has not been started. Of an answer in parts it is how long each of them may take.",
        env="SERVER_DEADLINE_SECONDS",
        minimum=1,
    )
    grace_seconds: int | None = setting(
        None,
        "How long beyond SERVER_DEADLINE_SECONDS the model's process may be silent while an answer is due; then it counts as hanging: "
        "the server is not ready, and the process is killed and started again. Where it answers several requests by one call, it has "
        "that long for each of them. Default: as long again.",
        env="SERVER_GRACE_SECONDS",
        kind=int,
        minimum=0,
    )
    load_seconds: int = setting(
        600,
        "How long the model's process may take to load the model; then it is killed. The first time the server ends by that, "
        "later it starts the process again. The startup probe of base/ gives as long.",
        env="SERVER_LOAD_SECONDS",
        minimum=1,
    )
    max_answer_bytes: int = setting(
        64 * 1024 * 1024,
        "Largest answer of the model in bytes, as its process sends it; a larger one is answered with 500. Of an answer in parts "
        "it is the largest part.",
        env="SERVER_MAX_ANSWER_BYTES",
        minimum=1,
    )
    model_environment: str = setting(
        "",
        "Names of environment variables, with spaces or commas between them, that the model may read too; `*` stands for any "
        "characters. It gets what tells of the machine and tunes the libraries of models (`HOME`, `OMP_*`, `CUDA_*`, `HF_*`, …), "
        "no keys and tokens, and nothing else.",
        env="SERVER_MODEL_ENVIRONMENT",
    )
    cpu_request: int = setting(
        0,
        "The container's CPU request in thousandths of a CPU, as base/ has it handed over: without a CPU limit, processes and "
        "threads are started for these.",
        env="SERVER_CPU_REQUEST",
        minimum=0,
    )
    model_processes: int = setting(
        1,
        "How many processes run the model: forked from one that has loaded it, so that they share its memory, or, where loading "
        "it starts threads, each with a model of its own, which they load one after the other. An answer in parts occupies "
        "one until its end.",
        env="SERVER_MODEL_PROCESSES",
        minimum=1,
    )
    edge_processes: int | None = setting(
        None,
        "How many processes parse and answer REST requests. Default: one for each whole CPU of the container's limit, or of its "
        "request where it has no limit, but one, which is the model's, up to 4.",
        env="SERVER_EDGE_PROCESSES",
        kind=int,
        minimum=1,
    )
    spin_microseconds: int = setting(
        0,
        "How long a process busy-polls for the next request of the model, or for its answer, before it sleeps, while these come "
        "faster than that on average and there is a CPU for each process, as in 1000; 0: not at all.",
        env="SERVER_SPIN_MICROSECONDS",
        minimum=0,
    )
    service_type: str = setting(
        "MODEL",
        "The node's type in the graph: which of its paths /api/v1.0/predictions stands for.",
        env="SERVICE_TYPE",
        choices=("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"),
    )
    node: str = setting("", "The graph node's name, the key in meta.requestPath.", env="PREDICTIVE_UNIT_ID")
    predictor_labels: str = setting(
        "",
        "The predictor's labels as a JSON object: `version` is a label of the model's own metrics.",
        env="PREDICTOR_LABELS",
    )
    predictor_version: str = setting(
        "", "The predictor's version, a label of the orchestrator's metrics.", annotation="version"
    )
    no_engine: bool = setting(
        False,
        "Whether the predictor goes without the orchestrator: then the server counts its requests under the orchestrator's name, "
        "seldon_api_executor_server_requests_seconds.",
        env="SERVER_NO_ENGINE",
        annotation="seldon.io/no-engine",
    )
    image: str = setting(
        "", "The container's image, the value in meta.requestPath.", env="PREDICTIVE_UNIT_IMAGE"
    )
    model_metadata: str = setting(
        "", "YAML that overrides the model's metadata at /metadata.", env="MODEL_METADATA"
    )
    host: str = setting("0.0.0.0", "Address to listen on.", env="SERVER_HOST")  # noqa: S104  a pod's own network
    http_port: int = setting(
        9000,
        "Port of the REST interface.",
        env=("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "PREDICTIVE_UNIT_SERVICE_PORT"),
        minimum=0,
    )
    health_port: int = setting(
        6000,
        "Port that answers /health/ping, /health/status and the metrics alone, beside the REST interface, so that no load on "
        "that keeps Kubernetes' probes out. The operator names it metrics.",
        env="PREDICTIVE_UNIT_METRICS_SERVICE_PORT",
        minimum=0,
    )
    metrics: bool = setting(
        True,
        "Whether calls, batches and processes are counted for Prometheus. Without it, metrics have the state of the server only.",
        env="SERVER_METRICS",
    )
    metrics_endpoint: str = setting(
        "/prometheus",
        "Path of the metrics, beside /metrics and /prometheus.",
        env="PREDICTIVE_UNIT_METRICS_ENDPOINT",
    )
    metrics_in_response: bool = setting(
        True,
        "Whether what a custom Python model counts itself, its `metrics()`, stands in meta.metrics of its answers too.",
        env="INCLUDE_METRICS_IN_CLIENT_RESPONSE",
    )
    metrics_buckets: str = setting(
        "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60",
        "Upper bounds of the buckets of durations, in seconds.",
        env="SERVER_METRICS_BUCKETS",
    )
    max_body_bytes: int | None = setting(
        None,
        "Largest request body in bytes; a larger one is answered with 413. Default: 8 MiB, or an 128th of the container's "
        "memory limit where that is less.",
        env="SERVER_MAX_BODY_BYTES",
        kind=int,
        minimum=1,
    )
    large_body_bytes: int = setting(
        128 * 1024,
        "Requests with larger bodies are parsed and answered by a process of their own, one after the other, so that they do not hold "
        "up others; 0: by the process that reads them, which takes less memory.",
        env="SERVER_LARGE_BODY_BYTES",
        minimum=0,
    )
    budget_bytes: int | None = setting(
        None,
        "How much memory requests that are read and not yet answered may take together once they are parsed, in bytes. One "
        "that could never fit is answered with 413, one that does not for now with 503, before it is parsed. Default: three "
        "eighths of the container's memory limit.",
        env="SERVER_BUDGET_BYTES",
        kind=int,
        minimum=1,
    )
    max_connections: int = setting(
        1000,
        "Largest number of connections of the REST interface, and of the gRPC interface. For one more the one idle longest is "
        "closed (REST); where none is idle it is answered with 503 and closed. By gRPC it is closed at once.",
        env="SERVER_MAX_CONNECTIONS",
        minimum=1,
    )
    idle_seconds: int = setting(
        100,
        "How long a connection of the REST interface is kept without a request, 5 s at most before its first. Seldon's "
        "orchestrator keeps its own 90 s, and must be the first to close one.",
        env="SERVER_IDLE_SECONDS",
        minimum=1,
    )
    read_seconds: int = setting(
        30,
        "How long a client may take to send a request, or to take an answer, unless it moves 16 KiB a second in every such "
        "time; then it gets a 408. By gRPC it is how long a message may take to come (DEADLINE_EXCEEDED).",
        env="SERVER_READ_SECONDS",
        minimum=1,
    )
    grpc: bool = setting(
        True,
        "Whether there is a gRPC interface. It has a process of its own; without it there is neither that nor its memory "
        "(docs/performance.md).",
        env="SERVER_GRPC",
    )
    grpc_port: int = setting(
        9500, "Port of the gRPC interface.", env="PREDICTIVE_UNIT_GRPC_SERVICE_PORT", minimum=0
    )
    grpc_max_message_bytes: int | None = setting(
        None,
        "Largest message of the gRPC interface in bytes, also once it is decompressed; a larger one ends its call with "
        "RESOURCE_EXHAUSTED. Default: 8 MiB, or an 128th of the container's memory limit where that is less.",
        env="SERVER_GRPC_MAX_MESSAGE_BYTES",
        annotation="seldon.io/grpc-max-message-size",
        kind=int,
        minimum=1,
    )
    grpc_max_calls: int = setting(
        1000,
        "How many calls the gRPC interface has under way, of all connections; one more gets RESOURCE_EXHAUSTED.",
        env="SERVER_GRPC_MAX_CALLS",
        minimum=1,
    )
    grpc_max_streams: int = setting(
        1000,
        "How many calls a connection of the gRPC interface has under way; its client keeps further ones back.",
        env="SERVER_GRPC_MAX_STREAMS",
        minimum=1,
    )
    grpc_max_age_seconds: int = setting(
        3600,
        "How long a connection of the gRPC interface lives; then its client makes another, maybe to another replica.",
        env="SERVER_GRPC_MAX_AGE_SECONDS",
        minimum=1,
    )
    grpc_max_age_grace_seconds: int = setting(
        60,
        "How long the calls of a connection that is too old may take to end.",
        env="SERVER_GRPC_MAX_AGE_GRACE_SECONDS",
        minimum=1,
    )
    grpc_idle_seconds: int = setting(
        300,
        "How long a connection of the gRPC interface is kept without a call.",
        env="SERVER_GRPC_IDLE_SECONDS",
        minimum=1,
    )
    grpc_keepalive_seconds: int = setting(
        60,
        "After how long without traffic the gRPC interface sends its client a PING; it has 20 s to answer.",
        env="SERVER_GRPC_KEEPALIVE_SECONDS",
        minimum=1,
    )
    grpc_min_ping_seconds: int = setting(
        10,
        "How often a client of the gRPC interface may send a PING; one that does so more often is sent away "
        "(ENHANCE_YOUR_CALM).",
        env="SERVER_GRPC_MIN_PING_SECONDS",
        minimum=1,
    )
    drain_seconds: int = setting(
        20,
        "How long requests under way may take to end after SIGTERM; answers in parts are ended a second before.",
        env="SERVER_DRAIN_SECONDS",
        minimum=0,
    )
    access_log: str = setting(
        "slow",
        "Which calls have a line in the log when they have ended: none, those that failed, those that failed or were slow, or all. "
        "Lines that the model prints meanwhile have the call's id behind them, unless it is off.",
        env="SERVER_ACCESS_LOG",
        choices=("off", "errors", "slow", "all"),
    )
    access_log_slow_milliseconds: int = setting(
        1000,
        "From how long on a call is slow; 0: none is.",
        env="SERVER_ACCESS_LOG_SLOW_MILLISECONDS",
        minimum=0,
    )
    access_log_sample: int = setting(
        0,
        "Of the calls that SERVER_ACCESS_LOG leaves out one in so many has a line too, in each process; 0: none.",
        env="SERVER_ACCESS_LOG_SAMPLE",
        minimum=0,
    )
    access_log_payload_bytes: int = setting(
        0,
        "How many bytes of the request and of the response stand in a call's line. They may be personal data.",
        env="SERVER_ACCESS_LOG_PAYLOAD_BYTES",
        minimum=0,
    )
    payload_log_url: str = setting(
        "",
        "Address (http:// or https://, with user and password where it asks for them) that requests and responses are sent to as "
        "CloudEvents, as Seldon's orchestrator does for a node's `logger`, which a pod without it cannot read. No answer waits for it. "
        "Default: nothing is sent.",
        env="SERVER_PAYLOAD_LOG_URL",
        secret=True,
    )
    payload_log_mode: str = setting(
        "all",
        "Which payloads are sent, as in a node's `logger`; feedback is sent with the responses.",
        env="SERVER_PAYLOAD_LOG_MODE",
        choices=("all", "request", "response"),
    )
    payload_log_sample: int = setting(
        1,
        "One prediction in so many has its payloads sent, in each process; feedback always is.",
        env="SERVER_PAYLOAD_LOG_SAMPLE",
        minimum=1,
    )
    payload_log_events: int = setting(
        10_000,
        "How many payloads may wait to be sent, in each process; what comes beside them is dropped and counted.",
        env="SERVER_PAYLOAD_LOG_EVENTS",
        annotation="seldon.io/executor-logger-queue-size",
        minimum=1,
    )
    payload_log_bytes: int = setting(
        8 * 1024 * 1024,
        "How many bytes the payloads that wait to be sent may take, in each process; what comes beside them is dropped and counted.",
        env="SERVER_PAYLOAD_LOG_BYTES",
        minimum=1,
    )
    payload_log_seconds: int = setting(
        5,
        "How long the sink of payloads may take to accept a connection, and to answer.",
        env="SERVER_PAYLOAD_LOG_SECONDS",
        minimum=1,
    )
    otlp_endpoint: str = setting(
        "",
        "Address that traces are sent to by OTLP, as in http://collector:4318 (the first of both is the whole address, with its path). "
        "All other variables of OpenTelemetry's SDK count beside it (OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_…, …). A call that is traced "
        "takes some tenths of a millisecond of CPU more: under load trace a share (OTEL_TRACES_SAMPLER=parentbased_traceidratio, "
        "OTEL_TRACES_SAMPLER_ARG=0.01). Default: no traces are sent, and none of the SDK is imported.",
        env=("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        secret=True,
    )
    otlp_protocol: str = setting(
        "http/protobuf",
        "How traces are sent; there is no other way.",
        env=("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
    )
    traces_exporter: str = setting(
        "",
        "`none` sends no traces, `otlp` sends them also without an address, to http://localhost:4318.",
        env="OTEL_TRACES_EXPORTER",
        choices=("otlp", "none"),
    )
    otel_disabled: bool = setting(False, "Whether no traces are sent.", env="OTEL_SDK_DISABLED")
    deployment: str = setting(
        "",
        "The SeldonDeployment's name: a label of metrics, a trace's service, unless OTEL_SERVICE_NAME names another, and the "
        "inferenceservicename of a payload's event.",
        env="SELDON_DEPLOYMENT_ID",
    )
    predictor: str = setting(
        "",
        "The predictor's name, a label of metrics and the endpoint of a payload's event.",
        env="PREDICTOR_ID",
    )
    namespace: str = setting(
        "", "The pod's namespace, in traces and in a payload's event.", env="POD_NAMESPACE"
    )


@dataclass(frozen=True)
class EnvironmentSettings:
    """Settings of ``environment``. uv's own (UV_DEFAULT_INDEX, …) and pip's index settings count beside them."""

    strict_python: bool = setting(
        False,
        "Refuse to run the model on another Python minor version than the one that it asks for.",
        env="ENVIRONMENT_STRICT_PYTHON",
    )
    source_distributions: bool = setting(
        False,
        "Install packages without a wheel too, from source distributions, which run code of their own meanwhile.",
        env="ENVIRONMENT_SOURCE_DISTRIBUTIONS",
    )
    ignore_conda_packages: bool = setting(
        False,
        "Leave out the packages that conda.yaml lists and no package index of Python has, such as cudatoolkit, instead of "
        "refusing the model.",
        env="ENVIRONMENT_IGNORE_CONDA_PACKAGES",
    )
    index_strategy: str = setting(
        "",
        "Which index a package comes from where several have it: the first that has it, whatever its versions there, so that "
        "nobody can put another of the same name on a further one; the first with a version that fits; or the one with the "
        "best version, as pip chooses. Default: `unsafe-best-match` where the model's own requirements name an "
        "--extra-index-url, else `first-index`.",
        env=("ENVIRONMENT_INDEX_STRATEGY", "UV_INDEX_STRATEGY"),
        choices=("first-index", "unsafe-first-match", "unsafe-best-match"),
    )
    lock: str = setting(
        "",
        "File with the model's requirements.lock; one that is not there does not count. Default: the one in the "
        "model folder, if there is one.",
        env="ENVIRONMENT_LOCK",
    )
    cache: str = setting(
        "",
        "Folder that keeps environments and downloads for other pods; `serve` needs it at the same path.",
        env="ENVIRONMENT_CACHE",
    )
    offline: bool = setting(
        False,
        "Use no network: packages come from the model's wheels/ folder, or from uv's cache.",
        env="ENVIRONMENT_OFFLINE",
    )
