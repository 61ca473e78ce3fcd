// Serves a folder of finished files, under a content security policy where asked. It listens on this machine only, and
// must never build or change anything.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Answers `{ url, close }`. */
export async function serve(folder, { policy } = {}) {
  const headers = policy && { "content-security-policy": policy };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const body = await readFile(join(folder, pathname)).catch(() => null);
    const type = TYPES[extname(pathname)] ?? "application/octet-stream";
    response.writeHead(body ? 200 : 404, { "content-type": type, ...headers });
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
