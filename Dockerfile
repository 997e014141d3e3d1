# syntax=docker/dockerfile:1
# Two stages: the toolchain stays behind, the image holds the binary and the certificates of the
# public authorities (for https to S3, rediss:// and postgres with TLS).

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The registry and the compiled dependencies live in caches of the builder, so after a change of the
# sources only our own crates are compiled. `--locked`: exactly the versions of Cargo.lock.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package parlour \
    && cp target/release/parlour /parlour \
    && install -d -m 0700 /data

# The same Debian as above, so the same C library.
FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /parlour /usr/local/bin/parlour
# A volume that is empty takes over the owner of this folder.
COPY --from=build --chown=10001:10001 /data /data
# A number and not a name: Kubernetes checks `runAsNonRoot` by it.
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
# Inside a container 127.0.0.1 is reached by nobody else.
ENV PARLOUR_LISTEN=0.0.0.0:8000 PARLOUR_DATA_DIR=/data
EXPOSE 8000
# Asks /readyz on PARLOUR_LISTEN: could a message be stored now?
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["parlour", "health"]
# SIGTERM drains; give `docker stop` more time than PARLOUR_SHUTDOWN_TIMEOUT (10s).
STOPSIGNAL SIGTERM
ENTRYPOINT ["parlour"]
