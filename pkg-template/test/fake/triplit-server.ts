// A Triplit server in memory: sockets that behave as a browser's do, tokens that it accepts or refuses, rows by owner. It
// answers as the real one does, so that the real client can be held against it.
import { vi } from "vitest";

export const jwt = (sub: string, more: object = {}) => {
  const iat = Math.floor(Date.now() / 1000);
  const segment = (claims: object) => btoa(JSON.stringify(claims)).replace(/=/g, "");
  return `x.${segment({ sub, iat, exp: iat + 60, jti: Math.random(), ...more })}.x`;
};
export const subjectOf = (token: string): string => JSON.parse(atob(token.split(".")[1]!)).sub;

const soon = (work: () => void) => setTimeout(work);

export const createTriplitServer = () => {
  const sockets: Socket[] = [];
  const updates: string[] = [];
  const writes: Array<[sub: string, id: string]> = [];
  const rows = new Map<string, Record<string, unknown>>();
  /** Closing handshakes that the server has not answered yet. */
  const closing: Array<() => void> = [];
  const state = {
    /** Why a token is refused. */
    refusal: undefined as string | undefined,
    /** Sockets neither open nor fail. */
    hangs: false,
    /** Nobody is there. */
    isDown: false,
    /** Takes long to answer a closing handshake. */
    closesLate: false,
    /** Before 1.x, a server did not say that it is ready. */
    saysReady: true,
  };

  const changesFor = (sub: string, only: (row: any) => boolean = () => true) => {
    const mine = [...rows.values()].filter((row) => row.owner === sub && only(row));
    const meta = { values: { "tasks.sets": ["map"], "tasks.deletes": ["set"] } };
    return { json: { tasks: { sets: mine.map((row) => [row.id, row]), deletes: [] } }, meta };
  };

  class Socket extends EventTarget {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readonly OPEN = 1;
    readonly CONNECTING = 0;
    readonly CLOSING = 2;
    readonly CLOSED = 3;
    readyState = 0;
    onopen: ((event: unknown) => void) | null = null;
    onmessage: ((event: unknown) => void) | null = null;
    onclose: ((event: unknown) => void) | null = null;
    onerror: ((event: unknown) => void) | null = null;
    readonly token: string;
    readonly sub: string;
    queries = new Set<string>();
    constructor(url: string) {
      super();
      this.token = new URL(url).searchParams.get("token")!;
      this.sub = subjectOf(this.token);
      sockets.push(this);
      if (!state.hangs) soon(() => (state.isDown ? this.finish(1006, "") : this.begin()));
    }
    begin() {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.onopen?.({});
      this.dispatchEvent(new Event("open"));
      soon(() => {
        if (state.refusal) this.end(state.refusal);
        else if (state.saysReady) this.say("READY", { clientId: "client_" + sockets.length });
      });
    }
    say(type: string, payload: object) {
      if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify({ type, payload }) });
    }
    /** The server closes, and says why. */
    end(type: string, retry = false) {
      this.say("CLOSE", { type, retry });
      this.finish(1008, JSON.stringify({ type, retry }));
    }
    /** The network drops it. */
    drop() {
      this.finish(1006, "");
    }
    finish(code: number, reason: string) {
      if (this.readyState === 3) return;
      const failed = this.readyState === 0;
      this.readyState = 3;
      if (failed) this.onerror?.({});
      this.onclose?.({ code, reason });
      this.dispatchEvent(new Event("close"));
    }
    close(_code?: number, reason = "") {
      if (this.readyState > 1) return;
      const wasOpen = this.readyState === 1;
      this.readyState = 2;
      const finish = () => this.finish(wasOpen ? 1000 : 1006, wasOpen ? reason : "");
      if (state.closesLate) closing.push(finish);
      else soon(finish);
    }
    send(text: string) {
      const { type, payload } = JSON.parse(text);
      soon(() => this.take(type, payload));
    }
    take(type: string, payload: any) {
      if (this.readyState !== 1) return;
      if (type === "CONNECT_QUERY") {
        this.queries.add(payload.id);
        this.say("ENTITY_DATA", { changes: changesFor(this.sub), timestamp: [Date.now(), 0, "s"], forQueries: [payload.id] });
      } else if (type === "CHANGES") {
        for (const [id, row] of payload.changes.json.tasks.sets) {
          writes.push([this.sub, id]);
          rows.set(id, row);
        }
        this.say("CHANGES_ACK", { timestamp: [Date.now(), 0, "s"] });
      }
    }
  }

  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (url.endsWith("/update-token")) updates.push((init.headers as any).Authorization.slice(7));
    return new Response("OK");
  });

  return {
    sockets,
    updates,
    writes,
    rows,
    state,
    open: () => sockets.filter(({ readyState }) => readyState === 1),
    /** The server answers the closing handshakes. */
    finishClosing: () => closing.splice(0).forEach((finish) => finish()),
    /** A row comes for whoever listens. */
    push(row: { id: string; owner: string; [name: string]: unknown }) {
      rows.set(row.id, row);
      for (const socket of sockets)
        if (socket.sub === row.owner && socket.queries.size)
          socket.say("ENTITY_DATA", {
            changes: changesFor(row.owner, ({ id }) => id === row.id),
            timestamp: [Date.now(), 0, "s"],
            forQueries: [...socket.queries],
          });
    },
  };
};
