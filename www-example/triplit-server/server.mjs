// The real Triplit server on loopback, so that the tests and the example need no stand-in for it:
//   node server.mjs --jwks URL [--port N] [--exit-with-stdin]
// It keeps its rows in memory, trusts the first key of the JWKS, prints one line of JSON once it is ready, and tells at
// GET /__log?since=N who opened sockets, renewed tokens and wrote. It must never listen beyond 127.0.0.1.
import { parseArgs } from "node:util";
// What follows is what @triplit/server is built on, and comes with it.
import { serve } from "@hono/node-server";
import { createNodeWebSocket } from "@hono/node-ws";
import { Schema as S, and, or } from "@triplit/db";
import { createTriplitHonoServer } from "@triplit/server/hono";
import { Hono } from "hono";

const { values: options } = parseArgs({
  options: {
    jwks: { type: "string" },
    port: { type: "string", default: "0" },
    "exit-with-stdin": { type: "boolean", default: false },
  },
});
if (!options.jwks) {
  console.error("--jwks URL is missing: where the public key of the tokens is, e.g. of a local-cloud");
  process.exit(2);
}

/** Rows without an organization are their owner's; the others are of those whose token names that organization. */
const mine = and([
  ["owner", "=", "$role.sub"],
  ["org", "=", ""],
]);
const ours = (claim) => and([["org", "=", claim], ["org", "!=", ""]]);
const permitted = { filter: [or([mine, ours("$session.org_id"), ours("$session.o.id")])] };

const schema = {
  roles: { authenticated: { match: { sub: "$sub" } } },
  collections: S.Collections({
    tasks: {
      schema: S.Schema({
        id: S.Id(),
        text: S.String(),
        done: S.Boolean({ default: false }),
        owner: S.String(),
        org: S.String({ default: "" }),
      }),
      permissions: {
        authenticated: {
          read: permitted,
          insert: permitted,
          update: permitted,
          postUpdate: permitted,
          delete: permitted,
        },
      },
    },
  }),
};

const entries = [];

/** type: socket.open, socket.accepted, socket.close, token.update, write, write.refused; all with the `sub` of the token. */
const note = (type, details) => {
  entries.push({ seq: entries.length + 1, type, ...details });
};

/** Whose token it claims to be. For the log only: Triplit itself checks it. */
const subjectOf = (token) => {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sub ?? null;
  } catch {
    return null;
  }
};

const app = new Hono();
const { upgradeWebSocket, injectWebSocket } = createNodeWebSocket({ app });
let sockets = 0;

/** As Triplit asks for it, but each socket is noted. */
const notingUpgrade = (makeEvents) =>
  upgradeWebSocket((context) => {
    const events = makeEvents(context);
    const of = { socket: ++sockets, sub: subjectOf(context.req.query("token")) };
    return {
      ...events,
      onOpen(event, ws) {
        note("socket.open", of);
        const { send } = ws;
        ws.send = (text, ...rest) => {
          const { type, payload } = JSON.parse(text);
          if (type === "READY") note("socket.accepted", of);
          if (type === "ERROR" && payload.messageType === "CHANGES") note("write.refused", of);
          send(text, ...rest);
        };
        return events.onOpen(event, ws);
      },
      onMessage(event, ws) {
        const { type, payload } = JSON.parse(event.data);
        if (type === "CHANGES") note("write", { ...of, changes: payload.changes.json });
        return events.onMessage(event, ws);
      },
      onClose(event, ws) {
        note("socket.close", { ...of, code: event.code, reason: event.reason });
        return events.onClose(event, ws);
      },
    };
  });

app.get("/__log", (context) => {
  const since = Number(context.req.query("since") ?? 0);
  return context.json({ last: entries.length, entries: entries.slice(since) }, 200, { "access-control-allow-origin": "*" });
});
app.use("/update-token", async (context, next) => {
  await next();
  const [, token] = context.req.header("authorization")?.split(" ") ?? [];
  if (context.req.method === "POST") note("token.update", { sub: subjectOf(token), status: context.res.status });
});

const { keys } = await (await fetch(options.jwks)).json();
const quiet = { log() {}, startSpan() {}, endSpan() {} };
const secrets = { jwtSecret: "unused-by-these-tests", externalJwtSecret: JSON.stringify(keys[0]) };
await createTriplitHonoServer({ ...secrets, dbOptions: { schema }, logHandler: quiet }, notingUpgrade, () => {}, app);

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(options.port) }, ({ port }) => {
  console.log(JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` }));
});
injectWebSocket(server);

if (options["exit-with-stdin"]) process.stdin.resume().on("end", () => process.exit(0)).on("error", () => process.exit(0));
