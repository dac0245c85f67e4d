"""The environment variables of the model's processes: an allow-list of this process's own.

What a library needs to find the machine, and what tunes the libraries of models; no keys and tokens, nothing that says how
packages are downloaded or where the cluster is, and no setting of the server. What a model of one's own reads beside it, it
gets by its name (SERVER_MODEL_ENVIRONMENT).
"""

from __future__ import annotations

import fnmatch
import logging
import os
from collections.abc import Iterable, Mapping

from server.container import available_cpus
from server.settings import ServeSettings
from server.settings_loader import unknown

log = logging.getLogger(__name__)

# Shell patterns.
MACHINE = (
    *("PATH", "HOME", "USER", "LOGNAME", "HOSTNAME", "TMPDIR", "LANG", "LANGUAGE", "LC_*", "TZ"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "XDG_CACHE_HOME", "JAVA_HOME", "SPARK_HOME"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
LIBRARIES = (
    *("*_NUM_THREADS", "OMP_*", "KMP_*", "GOMP_*", "MKL_*", "OPENBLAS_*", "NUMEXPR_*", "BLIS_*", "MALLOC_*"),
    *("CUDA_*", "CUBLAS_*", "CUDNN_*", "NCCL_*", "NVIDIA_*", "HIP_*", "HSA_*", "ROCR_*"),
    *("JAX_*", "KERAS_*", "ORT_*", "PYTORCH_*", "TF_*", "TORCH_*", "TORCHINDUCTOR_*", "TRITON_*", "XLA_*"),
    *("HF_*", "SENTENCE_TRANSFORMERS_*", "TOKENIZERS_*", "TRANSFORMERS_*", "NLTK_DATA", "TIKTOKEN_*"),
    *("DNNL_*", "ONEDNN_*", "LOKY_*", "JOBLIB_*", "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"),
    *(
        "MLFLOW_HUGGINGFACE_*",
        "ARROW_*",
        "NPY_*",
        "NUMBA_*",
        "POLARS_*",
        "SKLEARN_*",
        "MPLBACKEND",
        "MPLCONFIGDIR",
        "DO_NOT_TRACK",
    ),
    *("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "MLFLOW_DEFAULT_PREDICTION_DEVICE", "MLFLOW_DISABLE_TELEMETRY"),
)
# Withheld from the model, and not logged.
_OTHERS = (
    *(
        "SERVER_*",
        "SERVICE_TYPE",
        "ENVIRONMENT_*",
        "FETCH_*",
        "LOG_*",
        "OTEL_*",
        "POD_NAMESPACE",
        "PREDICTIVE_UNIT_*",
        "PREDICTOR_*",
    ),
    *("SELDON_*", "KUBERNETES_*", "PYTHON*", "UV_*", "PIP_*", "GPG_KEY", "PWD", "OLDPWD", "SHLVL", "_"),
)
# A word of a name that marks its value as a secret, as in HF_TOKEN.
SECRETIVE = frozenset(
    (
        "AUTH",
        "AUTHORIZATION",
        "CREDENTIAL",
        "CREDENTIALS",
        "KEY",
        "KEYS",
        "PASSWORD",
        "SECRET",
        "TOKEN",
        "TOKENS",
    )
)


def model_environ(settings: ServeSettings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables of the model's processes, with how many threads their libraries shall start."""
    wanted = named(settings.model_environment)
    kept = {name: value for name, value in environ.items() if is_harmless(name) or matches(name, wanted)}
    left = [name for name in sorted(environ.keys() - kept.keys()) if not matches(name, _OTHERS)]
    if left:
        log.info("out of the model's reach: %s; SERVER_MODEL_ENVIRONMENT lets one through", ", ".join(left))
    return with_threads(kept, available_cpus(settings.cpu_request), settings.model_processes)


def is_harmless(name: str) -> bool:
    """Return whether every model may read the variable ``name``."""
    return matches(name, (*MACHINE, *LIBRARIES)) and not SECRETIVE & {*name.upper().split("_")}


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a variable has one of the names; capitals do not matter."""
    return any(fnmatch.fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)


def named(text: str) -> list[str]:
    """Return the patterns in a value of SERVER_MODEL_ENVIRONMENT."""
    return text.replace(",", " ").split()


def tell_unknown(settings: ServeSettings, environ: Mapping[str, str]) -> None:
    """Log by one line which variables look like settings of the server and are none, unless the model shall have them."""
    wanted = named(settings.model_environment)
    found = unknown(ServeSettings, environ, "SERVER_")
    said = [
        f"{name} (did you mean {nearest}?)" if nearest else name
        for name, nearest in found.items()
        if not matches(name, wanted)
    ]
    if said:
        log.warning("the server has no such settings, and ignores them: %s", ", ".join(said))


OPENMP = "OMP_NUM_THREADS"
# They count OPENMP's where they have none of their own.
EAGER = ("OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LAZY = (OPENMP, "MKL_NUM_THREADS")


def with_threads(environ: Mapping[str, str], cpus: int, processes: int) -> dict[str, str]:
    """Return the environment variables of the model's processes: ``environ``, and the numbers of threads that it does not set.

    The processes share the CPUs. Of several each has one thread of those libraries that start them when they are imported:
    with more of them, no model could be forked.
    """
    share = str(max(1, cpus // processes))
    said = {} if OPENMP in environ else dict.fromkeys((*LAZY, *EAGER), share)
    if processes > 1:
        said.update(dict.fromkeys(EAGER, "1"))
    return {**said, **environ}
