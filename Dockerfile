# syntax=docker/dockerfile:1
# Three stages: the page, the wheels, and an image with neither compiler nor Node.

FROM node:22-bookworm-slim AS page
WORKDIR /src
COPY web/package.json web/package-lock.json web/
RUN cd web && npm ci --no-audit --no-fund
COPY web web
RUN cd web && npm run build

FROM python:3.11-slim-bookworm AS wheels
WORKDIR /src
RUN python -m venv /opt/pycirrus
COPY requirements/serve.txt requirements/serve.txt
RUN /opt/pycirrus/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
    --requirement requirements/serve.txt
COPY . .
COPY --from=page /src/signalling/page signalling/page
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /opt/pycirrus/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
COPY --from=wheels /opt/pycirrus /opt/pycirrus
RUN useradd --system --uid 10001 --home-dir /var/lib/pycirrus --create-home pycirrus
USER 10001
WORKDIR /var/lib/pycirrus
VOLUME /var/lib/pycirrus
ENV PATH=/opt/pycirrus/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SIGNALLING_PLAYER_PORT=8080 \
    SIGNALLING_DATA_DIR=/var/lib/pycirrus
EXPOSE 8080 8888 8889
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['SIGNALLING_PLAYER_PORT'] + '/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["pycirrus"]
CMD ["serve"]
