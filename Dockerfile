# Build: the bundle (types are checked before a release, not here). Run: the command in one file, its native addons, and nothing else of the workspace.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY packages packages
RUN npm ci --no-audit --no-fund
COPY . .
RUN npx tsx --conditions=ottla-source scripts/build.ts
# The addons cannot be in the bundle; their versions are those of the command's package.
WORKDIR /opt/ottla
RUN node -e 'const { version, dependencies, optionalDependencies } = require("/build/packages/cli/package.json"); \
    const addons = { "classic-level": dependencies["classic-level"], ...optionalDependencies }; \
    fs.writeFileSync("package.json", JSON.stringify({ name: "ottla-image", version, private: true, dependencies: addons }))' \
 && npm install --no-audit --no-fund --omit=dev --ignore-scripts \
 && mkdir -p dist && cp -r /build/packages/cli/dist/bundle dist/bundle && rm -f dist/bundle/*.map dist/bundle/*.cache \
 && cp -r /build/packages/cli/bin bin && cp /build/LICENSE .

FROM node:24-bookworm-slim
COPY --from=build /opt/ottla /opt/ottla
# The volume takes its owner from here: a user that is only a number may write to it.
RUN ln -s /opt/ottla/bin/ottla.cjs /usr/local/bin/ottla && mkdir /data && chown 1000:1000 /data
ENV NODE_ENV=production \
    OTTLA_DATA_DIR=/data \
    OTTLA_LISTENERS=PLAINTEXT://0.0.0.0:9092 \
    OTTLA_GRPC_LISTENERS=0.0.0.0:9093 \
    OTTLA_HTTP_LISTENERS=127.0.0.1:9094
USER 1000:1000
VOLUME /data
EXPOSE 9092 9093
STOPSIGNAL SIGTERM
# Asks the node itself, on loopback inside the container: no address to configure, no credentials.
HEALTHCHECK --interval=3s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9094/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["ottla"]
CMD ["start"]
