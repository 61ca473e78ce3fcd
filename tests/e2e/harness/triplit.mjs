// The real Triplit server, one process for each scene that asks for it, at the end of a cable that can be cut, and what it
// has written down. It only starts, asks and waits; it must never speak to the server in the page's stead.
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./cloud.mjs";

const SERVER = join(import.meta.dirname, "../../../www-example/triplit-server/server.mjs");
const LOOPBACK = "127.0.0.1";

/** Keys that no token was signed with. */
const foreignKeys = () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "foreign" };
  return `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [key] }))}`;
};

/** A port that leads to another one, unless it is cut. */
class Cable {
  #isCut = false;
  #ends = new Set();

  static async to(port) {
    const cable = new Cable();
    cable.server = createServer((near) => cable.#join(near, port)).listen(0, LOOPBACK);
    await once(cable.server, "listening");
    cable.url = `http://${LOOPBACK}:${cable.server.address().port}`;
    return cable;
  }

  #join(near, port) {
    if (this.#isCut) return near.destroy();
    const far = connect(port, LOOPBACK);
    for (const [end, other] of [[near, far], [far, near]]) {
      this.#ends.add(end);
      end.on("error", () => {}).on("close", () => {
        this.#ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }

  /** Ends every connection; further ones end before they began, until it is mended. */
  cut() {
    this.#isCut = true;
    this.drop();
  }

  mend() {
    this.#isCut = false;
  }

  /** Ends every connection. */
  drop() {
    for (const end of this.#ends) end.destroy();
  }

  close() {
    this.cut();
    this.server.close();
  }
}

export class Triplit {
  #process;
  #direct;

  /** Starts it; with `foreign` keys it takes no token that Clerk signs. */
  static async start(cloud, { foreign } = {}) {
    const triplit = new Triplit();
    const jwks = foreign ? foreignKeys() : `${cloud.url}/__clerk/.well-known/jwks.json`;
    const child = spawn(process.execPath, [SERVER, "--jwks", jwks, "--exit-with-stdin"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    triplit.#process = child;
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    triplit.#direct = JSON.parse(line).url;
    triplit.cable = await Cable.to(Number(new URL(triplit.#direct).port));
    triplit.url = triplit.cable.url;
    return triplit;
  }

  async stop() {
    this.cable.close();
    if (this.#process.exitCode !== null) return;
    this.#process.stdin.end();
    await once(this.#process, "exit");
  }

  async log(since = 0) {
    const { last, entries } = await (await fetch(`${this.#direct}/__log?since=${since}`)).json();
    return new TriplitLog(last, entries);
  }

  async mark() {
    return (await this.log()).last;
  }

  until(what, look, { since = 0, patienceMs } = {}) {
    return until(what, async () => look(await this.log(since)), patienceMs);
  }
}

class TriplitLog {
  constructor(last, entries) {
    this.last = last;
    this.entries = entries;
  }

  of(type) {
    return this.entries.filter((entry) => entry.type === type);
  }

  /** Whose sockets were opened, in order. */
  opened() {
    return this.of("socket.open").map(({ sub }) => sub);
  }

  accepted() {
    return this.of("socket.accepted").map(({ sub }) => sub);
  }

  /** What was written, as `[whose token, text]`. */
  written() {
    return this.of("write").flatMap(({ sub, changes }) => textsOf(changes).map((text) => [sub, text]));
  }

  toString() {
    return this.entries.map((entry) => JSON.stringify(entry)).join("\n");
  }
}

/** Every text in a set of changes, wherever it stands in it. */
const textsOf = (changes) => {
  if (changes === null || typeof changes !== "object") return [];
  return Object.entries(changes).flatMap(([name, value]) =>
    name === "text" && typeof value === "string" ? [value] : textsOf(value),
  );
};
