# An image that builds data sets, from the lock.
#
#   docker build -t ver .
#   docker run --rm -v "$PWD/raw:/raw:ro" -v "$PWD/shards:/shards" -v ver-models:/models ver \
#     build --source /raw --out /shards --engine local
#
# --build-arg TORCH_INDEX=... takes torch from an index of CPU builds.

FROM python:3.11-slim

RUN useradd --create-home ver && mkdir /models && chown ver /models
WORKDIR /opt/ver
ARG TORCH_INDEX=""
COPY requirements.lock requirements-torch.txt ./
RUN pip install --no-cache-dir --no-deps -r requirements.lock \
 && pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements-torch.txt
COPY pyproject.toml setup.py README.md LICENSE MANIFEST.in ./
COPY ver_pipeline ver_pipeline
RUN pip install --no-cache-dir --no-deps .

USER ver
ENV VER_HOME=/models
WORKDIR /home/ver
ENTRYPOINT ["ver"]
CMD ["--help"]
