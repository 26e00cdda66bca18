# relay as an image.
#
#   docker build -t relay .
#   docker run -d --name relay --read-only --cap-drop=ALL --security-opt=no-new-privileges \
#       --stop-timeout 30 --env-file secrets.env -p 127.0.0.1:9464:9464 \
#       -v relay-data:/data -v ./relay.toml:/etc/relay/relay.toml:ro relay
#   docker exec relay relay endpoints list
#
# Everything that is installed is pinned by hash in requirements*.txt; the base image is too where
# `--build-arg PYTHON_IMAGE=python:3.11-slim@sha256:…` names it by its digest.  The journal is the only thing that
# is written, under /data: the root file system can be read-only, and needs no /tmp.
#
# The REST API listens inside the container only (127.0.0.1:8080): `docker exec` reaches it.  To open it, give
# relay.toml its `api_keys` and the container `-e RELAY_SERVER__LISTEN=0.0.0.0:8080 -p 8080:8080`; without keys
# relay refuses to listen there.

ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.txt requirements-build.txt ./
RUN python -m venv /opt/relay \
    && /opt/relay/bin/python -m pip install --require-hashes -r requirements.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes -r requirements-build.txt
COPY LICENSE README.md pyproject.toml ./
COPY relay ./relay
RUN /opt/build/bin/python -m hatchling build -t wheel -d /build/dist \
    && /opt/relay/bin/python -m pip install --no-deps --no-index /build/dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="relay" \
      org.opencontainers.image.description="Polls phone systems; hands every call event to webhooks and Kafka." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 relay \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin relay \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/relay /opt/relay
ENV PATH=/opt/relay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    RELAY_JOURNAL__URL=sqlite:////data/relay.db \
    RELAY_SERVER__OPS_LISTEN=0.0.0.0:9464
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
# REST and event stream, once they are opened as said above; /metrics, /livez and /readyz.
EXPOSE 8080 9464
# relay finishes what is in flight within shutdown_grace_s (20 s): give it longer than that to stop.
STOPSIGNAL SIGTERM
# Asks /livez of the address in RELAY_SERVER__OPS_LISTEN.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "relay.cli.healthcheck"]
ENTRYPOINT ["relay"]
CMD ["serve", "--config", "/etc/relay/relay.toml"]
