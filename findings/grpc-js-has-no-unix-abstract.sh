#!/usr/bin/env bash
# gRPC's naming document lists `unix-abstract:NAME` beside `unix:PATH`, and grpc's C core takes both.
# @grpc/grpc-js 1.14.7 takes the first for a host name: a server says that it cannot parse a DNS address.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" @grpc/grpc-js@1.14.7 >/dev/null
cat >bind.mjs <<'JS'
import * as grpc from '@grpc/grpc-js';
const server = new grpc.Server();
for (const address of ['unix:./a.sock', 'unix-abstract:finding']) {
  await new Promise((resolve) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
      console.log(address, error?.message ?? 'bound');
      resolve();
    }),
  );
}
server.forceShutdown();
JS
seen=$(node bind.mjs)
echo "$seen"
[ "$seen" = $'unix:./a.sock bound\nunix-abstract:finding Failed to parse DNS address dns:unix-abstract:finding' ]
