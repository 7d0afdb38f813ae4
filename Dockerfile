# syntax=docker/dockerfile:1

# The compiler runs on the machine that builds, whatever it builds for: no emulation.
FROM --platform=$BUILDPLATFORM rust:1.95.0-bookworm AS builder
ARG TARGETARCH
RUN <<'SETUP'
set -eu
case "$TARGETARCH" in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) echo "no recipe for $TARGETARCH" >&2; exit 1 ;;
esac
# Cryptography, xz and the allocator are compiled from C; the compiler is found by its usual name.
if ! command -v "$machine-linux-gnu-gcc" > /dev/null; then
    apt-get update
    apt-get install --yes --no-install-recommends "crossbuild-essential-$TARGETARCH"
    rm -rf /var/lib/apt/lists/*
fi
rustup target add "$machine-unknown-linux-gnu"
echo "$machine" > /machine
SETUP
WORKDIR /src
COPY . .
# The caches outlive the build, so the binary is copied out of them in the same step. Two platforms have two targets.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=target-$TARGETARCH <<'BUILD'
set -eu
machine=$(cat /machine)
target=$machine-unknown-linux-gnu
linker=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')_LINKER
env "$linker=$machine-linux-gnu-gcc" cargo build --release --locked --bin flink-retention --target "$target"
cp "target/$target/release/flink-retention" /flink-retention
BUILD

# glibc, libgcc, CA certificates and time zones; no shell, no package manager. It writes nothing: a read-only root will do.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flink-retention" \
      org.opencontainers.image.description="Keeps exactly the Apache Flink checkpoints and savepoints worth keeping" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/flink-retention/flink-retention-operator" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=builder /flink-retention /flink-retention
COPY LICENSE /LICENSE
# Flink's images run as this user, and files on its volumes belong to it.
USER 9999:9999
ENTRYPOINT ["/flink-retention"]
CMD ["--help"]
