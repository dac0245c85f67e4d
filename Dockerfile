# The server's image, and as the target seldon-core the stock wrapper with the component class. docs/image.md explains
# the arguments. BASE_IMAGE brings Debian with Python 3.11 or newer and its venv module; the server runs on that Python.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# Where a model's Python comes from: `managed` installs those of PYTHONS that BASE_IMAGE lacks, `base` takes its alone.
ARG INTERPRETERS=managed

# uv by its hash in the lock; the shell's settings of every RUN that downloads.
FROM ${BASE_IMAGE} AS uv
ARG INDEX_URL=https://pypi.org/simple
ENV PIP_INDEX_URL=${INDEX_URL} UV_DEFAULT_INDEX=${INDEX_URL} \
    UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_NO_CONFIG=1 \
    # Byte code that is never compared with its source, so that it depends on no time stamp.
    PYC_INVALIDATION_MODE=UNCHECKED_HASH PYTHONHASHSEED=0
WORKDIR /build
COPY tools/bootstrap.txt .
# A certificate authority of the network that builds; it is no part of any layer.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export PIP_CERT=/run/secrets/ca.crt; fi \
    && python3 -m venv /opt/uv \
    && /opt/uv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --quiet \
        --require-hashes --only-binary=:all: -r bootstrap.txt
ENV PATH=/opt/uv/bin:${PATH}

FROM uv AS interpreters-base
RUN mkdir /opt/python

FROM uv AS interpreters-managed
ARG PYTHONS="3.13 3.14"
ENV UV_PYTHON_INSTALL_DIR=/opt/python
# uv knows the checksum of every build that it installs.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && mkdir /opt/python \
    && for python in ${PYTHONS}; do \
        uv python find --quiet --no-managed-python "${python}" >/dev/null \
        || uv python install --no-bin --compile-bytecode "${python}" || exit 1; \
    done

# hadolint ignore=DL3006
FROM interpreters-${INTERPRETERS} AS interpreters

FROM uv AS packages
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && uv export --quiet --frozen --no-dev --output-file requirements.txt \
    && uv venv --quiet --no-managed-python --python python3 /opt/server \
    && uv pip install --quiet --python /opt/server --require-hashes --no-build --compile-bytecode \
        --requirements requirements.txt
COPY server server
# Beside the packages, since the interpreter runs isolated (-I) from folder and environment.
RUN packages=$(/opt/server/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && cp -R server "${packages}/" \
    && /opt/server/bin/python -m compileall -q --invalidation-mode unchecked-hash "${packages}/server"

FROM uv AS seldon-core-packages
ENV UV_PYTHON_INSTALL_DIR=/opt/python
COPY tests/conformance/pyproject.toml tests/conformance/uv.lock ./
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -f /run/secrets/ca.crt ]; then export SSL_CERT_FILE=/run/secrets/ca.crt; fi \
    && uv export --quiet --frozen --no-default-groups --output-file requirements.txt \
    && mkdir /opt/python \
    && uv venv --quiet --python '>=3.11,<3.13' /opt/server \
    && uv pip install --quiet --python /opt/server --require-hashes --compile-bytecode --requirements requirements.txt
COPY server server
RUN packages=$(/opt/server/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && cp -R server "${packages}/" \
    && /opt/server/bin/python -m compileall -q --invalidation-mode unchecked-hash "${packages}/server"

# What both targets run in: nothing of it is written to, and any user may run it.
FROM ${BASE_IMAGE} AS runtime
# BASE_IMAGE may come without the byte code of its standard library, which nobody could write later.
RUN python3 -I -c "import compileall, py_compile, re, sysconfig; compileall.compile_dir(sysconfig.get_path('stdlib'), \
quiet=1, rx=re.compile('/(site-packages|dist-packages|ensurepip|idlelib|lib2to3|test|tkinter|turtledemo)/'), \
invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
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

FROM runtime AS seldon-core
COPY --from=seldon-core-packages /opt/python /opt/python
COPY --from=seldon-core-packages /opt/server /opt/server
LABEL org.opencontainers.image.title=seldon-mlflow-server-seldon-core \
    org.opencontainers.image.description="An MLflow model as a component of seldon-core-microservice 1.17.1"
ENTRYPOINT ["seldon-core-microservice", "server.edges.component.MLFlowServer"]

FROM runtime AS server
COPY --from=interpreters /opt/python /opt/python
COPY --from=packages /opt/server /opt/server
LABEL org.opencontainers.image.title=seldon-mlflow-server \
    org.opencontainers.image.description="Fetches an MLflow model, makes its Python environment and serves it for Seldon Core v1"
ENTRYPOINT ["/opt/server/bin/python", "-I", "-m", "server"]
