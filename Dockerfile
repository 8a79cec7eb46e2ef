# syntax=docker/dockerfile:1

# --- build: the toolchain of rust-toolchain.toml
FROM rust:1.95.0-slim-bookworm AS build
# The file's components (rustfmt, clippy) would be fetched for nothing.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
# Both caches outlive the layer, so a changed line of ours compiles our crates alone.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package dts-gateway && \
    install -D target/release/dts-gateway /image/usr/local/bin/dts-gateway && \
    install -d -m 0750 /image/var/lib/dts-gateway && \
    install -D -m 0644 config/gateway.toml /image/etc/dts-gateway/gateway.toml

# --- image: glibc, root certificates, a user that is not root; no shell, no package manager
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/usr /usr
COPY --from=build /image/etc /etc
# The embedded database and the spool; mount a volume here to keep them.
COPY --from=build --chown=65532:65532 /image/var/lib/dts-gateway /var/lib/dts-gateway
USER 65532:65532
WORKDIR /var/lib/dts-gateway
# 8080: the cloud's API for callers. 9090: health, metrics, audit.
EXPOSE 8080 9090
# The image has no curl; the program asks its own admin listener.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/dts-gateway", "healthcheck", "--config", "/etc/dts-gateway/gateway.toml"]
STOPSIGNAL SIGTERM
# Mount the configuration over /etc/dts-gateway; secrets come as files that it names (*_file), never as build
# arguments, which stay readable in the image, and better not as environment variables, which any inspect shows.
ENTRYPOINT ["/usr/local/bin/dts-gateway"]
CMD ["serve", "--config", "/etc/dts-gateway/gateway.toml"]
