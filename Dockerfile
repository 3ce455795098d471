# syntax=docker/dockerfile:1
#
#   docker build --build-arg VERSION=0.1.0 --build-arg COMMIT="$(git rev-parse HEAD)" -t alphanode .
#   docker run --rm -v alphanode-data:/data alphanode migrate up
#   docker run -p 127.0.0.1:8080:8080 -v alphanode-data:/data alphanode

# The build and the final image are of one Debian release, so that the C library is the same.
FROM rust:1.95-slim-trixie AS build
WORKDIR /build
COPY . .
# The program knows its commit, so that it can say what a deployment changed.
ARG COMMIT=unknown
# The caches hold the registry and every compiled dependency from one build to the next, so the
# program has to be copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    ALPHANODE_COMMIT="${COMMIT}" cargo build --release --locked --package alphanode \
    && install -D target/release/alphanode /out/alphanode \
    && mkdir /out/data

# One static program, for the health check.
FROM busybox:1.37-musl AS busybox

# The C library, certificates, time zones and a user called nonroot: no shell, no package manager.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=busybox /bin/wget /usr/local/bin/wget
COPY --from=build /out/alphanode /usr/local/bin/alphanode
COPY --from=build --chown=65532:65532 /out/data /data

ENV ALPHANODE_DATABASE_URL=sqlite:/data/alphanode.db \
    ALPHANODE_KEYS_DIRECTORY=/data/keys \
    ALPHANODE_LISTEN=0.0.0.0:8080
WORKDIR /data
VOLUME /data
EXPOSE 8080
USER 65532:65532

# Up, not ready: a database that is away for a minute is no reason to restart the program.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]

ENTRYPOINT ["/usr/local/bin/alphanode"]
CMD ["serve"]

# Last, because they change with every commit.
ARG VERSION=unknown
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="alphanode" \
    org.opencontainers.image.description="A headless CMS for programming websites: one binary, one GraphQL API." \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}"
