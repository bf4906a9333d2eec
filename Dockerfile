# syntax=docker/dockerfile:1
# The sidecar as an image: one executable, on a base without a shell. See docs/deploy/image.md.

# Of this version is the Node.js inside the executable; package.json pins the same one, and `npm run check:image` compares them.
ARG NODE_IMAGE=docker.io/library/node:26.10.0-bookworm-slim
# The release workflow gives the digest of the day.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot

# Runs on the machine that builds; the executable is made for the target without running anything of the target.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
ARG TARGETARCH
WORKDIR /build
COPY package.json package-lock.json .npmrc LICENSE ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/build-binary.ts ./scripts/
COPY scripts/binary ./scripts/binary
COPY src ./src
COPY web ./web
RUN node scripts/build-binary.ts --target "linux-$(echo "$TARGETARCH" | sed s/amd64/x64/)" --out out
RUN mkdir -p rootfs/usr/local/bin rootfs/usr/share/doc rootfs/var/lib/outrider \
 && mv out/outrider-*-licenses.txt rootfs/usr/share/doc/outrider-licenses.txt \
 && mv out/outrider-* rootfs/usr/local/bin/outrider

# Only a file of it is taken: Node.js needs libatomic, which the base does not have.
FROM ${NODE_IMAGE} AS libraries

FROM ${BASE_IMAGE}
ARG VERSION=0.0.0-local
ARG REVISION=local
LABEL org.opencontainers.image.title="outrider" \
      org.opencontainers.image.description="The process that rides beside an AI agent: auth, guardrails, traces, costs, A2A and MCP." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=libraries /usr/lib/*-linux-gnu/libatomic.so.1 /usr/lib/
COPY --from=build /build/rootfs/usr/ /usr/
COPY --from=build --chown=65532:65532 /build/rootfs/var/lib/outrider/ /var/lib/outrider/
ENV OUTRIDER_DATA_DIR=/var/lib/outrider
USER 65532:65532
# Where ./outrider.yaml is looked for: nothing but root writes here, and the volume, which others may have filled, is elsewhere.
WORKDIR /
VOLUME /var/lib/outrider
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/usr/local/bin/outrider", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/outrider"]
CMD ["sidecar"]
