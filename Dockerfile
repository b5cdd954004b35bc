# Debian-based: the Temporal SDK's native part has no build for musl.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages stay: the workflow bundler is one of them.
RUN npm install --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY proto ./proto
COPY workflows ./workflows
COPY activities ./activities
COPY workers ./workers
COPY src ./src
# Named volumes take the owner of the folder they cover.
RUN mkdir -p /home/node/belay /home/node/simulator && chown -R node:node /home/node
USER node
# The role is the argument: the file of one process, `workers/engine.ts` or `workers/market.ts`.
ENTRYPOINT ["node"]
CMD ["workers/engine.ts"]
