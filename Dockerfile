# The image of every Airflow service and, as target `superset`, of Superset. Nothing is fetched when they run.
# A company's own mirrors: docker build --build-arg PYTHON_IMAGE=… --build-arg PIP_INDEX_URL=…
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS environment
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/image.lock /tmp/image.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-deps --require-hashes -r /tmp/image.lock

# Superset asks for versions that Airflow cannot live with.
FROM ${PYTHON_IMAGE} AS superset
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --uid 50000 --create-home --home-dir /opt/superset --shell /usr/sbin/nologin superset
COPY requirements/superset.lock /tmp/superset.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-deps --require-hashes -r /tmp/superset.lock
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER superset
WORKDIR /opt/superset
CMD ["superset", "version"]

FROM ${PYTHON_IMAGE}
# Reports on paper need a font that has Chinese.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 50000 --create-home --home-dir /opt/airflow --shell /usr/sbin/nologin arrears \
    && mkdir -p /opt/arrears/landing /opt/arrears/state /opt/airflow/logs /opt/airflow/auth \
    && chown -R arrears: /opt/arrears /opt/airflow
COPY --from=environment /opt/venv /opt/venv
COPY src /opt/arrears/src
# The package is imported from its source folder: building a wheel would fetch a build backend without a hash.
RUN echo /opt/arrears/src > "$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/arrears.pth" \
    && printf '%s\n' '#!/opt/venv/bin/python' 'import sys' 'from arrears.cli import main' 'sys.exit(main())' \
        > /opt/venv/bin/arrears \
    && chmod 0755 /opt/venv/bin/arrears \
    && /opt/venv/bin/python -m compileall -q /opt/arrears/src
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    AIRFLOW_HOME=/opt/airflow \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER arrears
WORKDIR /opt/arrears
CMD ["airflow", "version"]
