# Two images from one recipe: `serve`, the last stage and so what a plain build gives, and `train` (--target train).
# The code is installed as a wheel outside /app: whatever is mounted on /app/models/artifacts can never hide it.
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS base
ENV PATH=/opt/venv/bin:$PATH \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.licenses="Apache-2.0"
# No container may write .pyc files: without these, every start would compile the standard library again.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash -x site-packages /usr/local/lib/python3.*
# 1000 is the first user of most machines: what `train` writes into a mounted folder is then theirs.
RUN install -d -o 1000 -g 1000 /app/models/artifacts
WORKDIR /app

# --- the project as a wheel -----------------------------------------------------------------------------
FROM base AS wheel
WORKDIR /src
COPY requirements/build.txt ./
RUN pip install --no-cache-dir --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY training training
COPY service service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# --- the locked packages, compiled ----------------------------------------------------------------------
FROM base AS train-packages
RUN python -m venv --without-pip /opt/venv
COPY requirements/train.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-compile --only-binary :all: --require-hashes -r /tmp/train.txt
COPY --from=wheel /wheels /wheels
# The headers of TensorFlow are for those who extend it.
RUN pip --python /opt/venv install --no-compile --no-deps /wheels/*.whl \
 && rm -rf /opt/venv/lib/python*/site-packages/tensorflow/include \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM base AS serve-packages
RUN python -m venv --without-pip /opt/venv
COPY requirements/serve.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-compile --only-binary :all: --require-hashes -r /tmp/serve.txt
COPY --from=wheel /wheels /wheels
# What serving never loads goes: Arrow's network transports and headers, ONNX Runtime's model tools, tests.
RUN pip --python /opt/venv install --no-compile --no-deps /wheels/*.whl \
 && cd /opt/venv/lib/python*/site-packages \
 && rm -rf pyarrow/include pyarrow/includes pyarrow/src pyarrow/*flight* pyarrow/*_s3* \
    onnxruntime/transformers onnxruntime/quantization onnxruntime/tools onnxruntime/datasets \
 && find . -name tests -type d -prune -exec rm -rf {} + \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib \
 && python -c "import onnxruntime, pyarrow.compute, pyarrow.csv, pyarrow.dataset, pyarrow.feather, pyarrow.ipc, \
    pyarrow.parquet, service.__main__, service.batch"

# --- what is run ----------------------------------------------------------------------------------------
FROM base AS train
LABEL org.opencontainers.image.title="Anomaly detector, training" \
      org.opencontainers.image.description="Learns a detector from records and saves it in /app/models/artifacts"
COPY --from=train-packages /opt/venv /opt/venv
ENV HOME=/tmp
USER 1000:1000
ENTRYPOINT ["python", "-m", "training.train"]

FROM base AS serve
LABEL org.opencontainers.image.title="Anomaly detector" \
      org.opencontainers.image.description="Scores records over HTTP with the detector in /app/models/artifacts"
COPY --from=serve-packages /opt/venv /opt/venv
# Whoever reaches the container may ask for everything, as --insecure says and the log repeats; with keys it says nothing.
ENV DETECTOR_HOST=0.0.0.0 \
    DETECTOR_INSECURE=true \
    DETECTOR_PATH=/app/models/artifacts \
    DETECTOR_PORT=8000
USER 1000:1000
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "\
import http.client, os, ssl, sys; \
address = {'host': '127.0.0.1', 'port': int(os.environ['DETECTOR_PORT']), 'timeout': 3}; \
trusting = {'context': ssl._create_unverified_context()}; \
tls = 'DETECTOR_TLS_CERTIFICATE' in os.environ; \
service = http.client.HTTPSConnection(**address, **trusting) if tls else http.client.HTTPConnection(**address); \
service.request('GET', '/healthz'); \
sys.exit(service.getresponse().status != 200)"]
CMD ["python", "-m", "service"]
