# The vault: the API as a task and, by other commands, migrations and every Lambda function.
FROM node:24-slim AS page
WORKDIR /build/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --silent
COPY schema /build/schema
COPY web ./
RUN npm run build

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/service.txt requirements/service.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/service.txt
COPY pyproject.toml README.md ./
COPY src src
COPY --from=page /build/src/vaultstream/http/site src/vaultstream/http/site
COPY lambdas lambdas
COPY schema schema
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home vault
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    VAULTSTREAM_HOST=0.0.0.0 VAULTSTREAM_PORT=8000 VAULTSTREAM_ENVIRONMENT=prod
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["vaultstream", "serve"]
