# The server's image, and as the target seldon-core the stock wrapper with the component class. docs/image.md explains
# the arguments. BASE_IMAGE brings Debian with Python 3.11 or newer and its venv module; the server runs on that Python.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# Where a model's Python comes from: `managed` installs those of PYTHONS that BASE_IMAGE lacks, `base` takes its alone.
ARG INTERPRETERS=managed
# What of a standard library no server and no model imports.
ARG NOT_COMPILED='/(site-packages|dist-packages|ensurepip|idlelib|lib2to3|test|tests|tkinter|turtledemo)/'

# uv by its hash in the lock; the shell's settings of every RUN that downloads.
FROM ${BASE_IMAGE} AS uv
ARG INDEX_URL=https://pypi.org/simple
ENV PIP_INDEX_URL=${INDEX_URL} UV_DEFAULT_INDEX=${INDEX_URL} \
    UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_NO_CONFIG=1 \
    # Byte code comes from compileall alone: by one process and in order, for what was compiled before leaves its
    # traces (https://github.com/astral-sh/uv/issues/10619), and not compared with its source, whose time may differ.
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /build
COPY tools/bootstrap.txt .
# A certificate authority of the network that builds; it is no part of any layer.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export PIP_CERT=/run/secrets/ca.crt; fi \
    && python3 -m venv /opt/uv \
    && /opt/uv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --quiet \
        --require-hashes --only-binary=:all: -r bootstrap.txt
ENV PATH=/opt/uv/bin:${PATH} UV_PYTHON_INSTALL_DIR=/opt/python

FROM uv AS interpreters-base
RUN mkdir /opt/python

FROM uv AS interpreters-managed
ARG PYTHONS="3.14 3.15"
ARG NOT_COMPILED
# uv knows the newest build of each minor version, and its checksum. Those builds are writable for their group, and uv's
# lock files for anybody.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && mkdir /opt/python \
    && for python in ${PYTHONS}; do \
        uv python find --quiet --no-managed-python "${python}" >/dev/null 2>&1 \
        || uv python install --no-bin "${python}" || exit 1; \
    done \
    && rm -rf /opt/python/.[a-z]* \
    && chmod -R u=rwX,go=rX /opt/python \
    && for python in /opt/python/cpython-*.*.*/bin/python3.??; do \
        test ! -x "${python}" || "${python}" -m compileall -q --invalidation-mode unchecked-hash -x "${NOT_COMPILED}" \
            "$("${python}" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || exit 1; \
    done

# hadolint ignore=DL3006
FROM interpreters-${INTERPRETERS} AS interpreters

FROM uv AS packages
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && uv export --quiet --frozen --no-dev --output-file requirements.txt \
    && uv venv --quiet --no-managed-python --python python3 /opt/server \
    && uv pip install --quiet --python /opt/server --require-hashes --no-build --requirements requirements.txt \
    && rm /opt/server/.lock
COPY server server
# Beside the packages, since the interpreter runs isolated (-I) from folder and environment; readable whatever the
# checkout's modes are.
RUN packages=$(/opt/server/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && cp -R server "${packages}/" \
    && chmod -R u=rwX,go=rX "${packages}/server" \
    && /opt/server/bin/python -m compileall -q --invalidation-mode unchecked-hash "${packages}"

# What seldon-core runs on is Python 3.11 or 3.12: the base's, else one that uv installs.
FROM uv AS seldon-core-packages
ARG NOT_COMPILED
COPY tools/seldon-core/pyproject.toml tools/seldon-core/uv.lock ./
# Some of its packages have no wheel. What builds them is locked as well, and so not fetched in isolation.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && mkdir /opt/python \
    && uv export --quiet --frozen --only-group build --output-file build.txt \
    && uv export --quiet --frozen --no-default-groups --output-file requirements.txt \
    && uv venv --quiet --python '>=3.11,<3.13' /opt/server \
    && uv pip install --quiet --python /opt/server --require-hashes --no-build --requirements build.txt \
    && uv pip install --quiet --python /opt/server --require-hashes --no-build-isolation --requirements requirements.txt \
    && rm -rf /opt/server/.lock /opt/python/.[a-z]* \
    && chmod -R u=rwX,go=rX /opt/python
COPY server server
RUN packages=$(/opt/server/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && cp -R server "${packages}/" \
    && chmod -R u=rwX,go=rX "${packages}/server" \
    && /opt/server/bin/python -m compileall -q --invalidation-mode unchecked-hash "${packages}" \
    && for python in /opt/python/cpython-*.*.*/bin/python3.??; do \
        test ! -x "${python}" || "${python}" -m compileall -q --invalidation-mode unchecked-hash -x "${NOT_COMPILED}" \
            "$("${python}" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || exit 1; \
    done

# What both targets run in: nothing of it is written to, and any user may run it.
FROM ${BASE_IMAGE} AS runtime
ARG NOT_COMPILED
# BASE_IMAGE may come without the byte code of its standard library, which nobody could write later.
RUN export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 \
    && python3 -m compileall -q --invalidation-mode unchecked-hash -x "${NOT_COMPILED}" \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
ENV PATH=/opt/server/bin:${PATH} \
    # Nothing else can be written where the root file system is read-only, and any user may have no entry in passwd.
    HOME=/tmp \
    SERVICE_TYPE=MODEL \
    UV_PYTHON_INSTALL_DIR=/opt/python \
    UV_PYTHON_DOWNLOADS=never
LABEL org.opencontainers.image.vendor=seldon-mlflow-gitops
USER 65532:65532
WORKDIR /tmp
EXPOSE 9000 9500 6000
COPY --from=interpreters /opt/python /opt/python

FROM runtime AS seldon-core
COPY --from=seldon-core-packages /opt/python /opt/python
COPY --from=seldon-core-packages /opt/server /opt/server
# The operator says it; the wrapper's own default is another than the server's.
ENV PREDICTIVE_UNIT_GRPC_SERVICE_PORT=9500
LABEL org.opencontainers.image.title=seldon-mlflow-server-seldon-core \
    org.opencontainers.image.description="An MLflow model as a component of seldon-core-microservice 1.17.1"
ENTRYPOINT ["seldon-core-microservice", "server.component.MLFlowServer"]

FROM runtime AS server
COPY --from=packages /opt/server /opt/server
LABEL org.opencontainers.image.title=seldon-mlflow-server \
    org.opencontainers.image.description="Fetches an MLflow model, makes its Python environment and serves it for Seldon Core v1"
ENTRYPOINT ["/opt/server/bin/python", "-I", "-m", "server"]
