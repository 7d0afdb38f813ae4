# syntax=docker/dockerfile:1
FROM rust:1.95.0-bookworm AS builder
WORKDIR /src
COPY . .
# The caches outlive the build, so the binary is copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin flink-retention \
 && cp target/release/flink-retention /flink-retention

# glibc, libgcc, CA certificates and time zones; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="flink-retention" \
      org.opencontainers.image.description="Keeps exactly the Apache Flink checkpoints and savepoints worth keeping" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /flink-retention /flink-retention
COPY LICENSE /LICENSE
# Flink's images run as this user, and files on its volumes belong to it.
USER 9999:9999
ENTRYPOINT ["/flink-retention"]
CMD ["--help"]
