# syntax=docker/dockerfile:1

# --- build: the version that rust-toolchain.toml names (the file stays out: its components would be fetched for nothing)
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
# Both caches outlive the layer, so a changed line of ours compiles our crates alone.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package dts-gateway && \
    install -D target/release/dts-gateway /image/usr/local/bin/dts-gateway && \
    install -d -m 0750 /image/var/lib/dts-gateway && \
    install -D -m 0644 config/gateway.toml /image/usr/share/doc/dts-gateway/gateway.toml

# --- image: glibc, root certificates, a user that is not root; no shell, no package manager
FROM gcr.io/distroless/cc-debian12:nonroot
# The program, and the commented reference of its configuration. There is no default one: it names accounts.
COPY --from=build /image/usr /usr
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
# Mount the configuration as /etc/dts-gateway; secrets come as files that it names (*_file), never as build
# arguments, which stay readable in the image, and better not as environment variables, which any inspect shows.
ENTRYPOINT ["/usr/local/bin/dts-gateway"]
CMD ["serve", "--config", "/etc/dts-gateway/gateway.toml"]
