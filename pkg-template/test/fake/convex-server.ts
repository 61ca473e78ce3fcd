// A Convex deployment in memory: the sync protocol over a WebSocket of its own, enough for the real client. It knows who
// ran what, and can refuse tokens, drop sockets and keep answers back.
const u64 = (value: number) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return btoa(String.fromCharCode(...bytes));
};

/** `user_a` of the token `user_a:1`. */
const userOf = (token: string) => token.split(":")[0]!;

export interface Ran {
  kind: "query" | "mutation" | "action";
  path: string;
  /** null: without identity. */
  user: string | null;
}

export const createConvexServer = () => {
  const received: any[] = [];
  const ran: Ran[] = [];
  const refused = new Set<string>();
  const sockets: Socket[] = [];
  let ts = 0;
  let answering = true;

  class Socket {
    onopen?: () => void;
    onclose?: (event: { code: number; reason: string }) => void;
    onmessage?: (event: { data: string }) => void;
    onerror?: () => void;
    isOpen = false;
    user: string | null = null;
    version = { querySet: 0, identity: 0, ts: u64(0) };
    queries = new Map<number, string>();

    constructor(readonly url: string) {
      sockets.push(this);
      setTimeout(() => {
        this.isOpen = true;
        this.onopen?.();
      });
    }

    send(text: string) {
      const message = JSON.parse(text);
      received.push(message);
      setTimeout(() => this.isOpen && this.handle(message));
    }

    close(code = 1005) {
      if (!this.isOpen && this.onclose === undefined) return;
      this.isOpen = false;
      setTimeout(() => this.onclose?.({ code, reason: "" }));
    }

    answer(message: object) {
      setTimeout(() => this.onmessage?.({ data: JSON.stringify(message) }));
    }

    transition(change: Partial<typeof this.version>, queryIds: number[]) {
      const startVersion = this.version;
      this.version = { ...startVersion, ...change, ts: u64(++ts) };
      const modifications = queryIds.map((queryId) => {
        ran.push({ kind: "query", path: this.queries.get(queryId)!, user: this.user });
        return { type: "QueryUpdated", queryId, value: this.user, logLines: [], journal: null };
      });
      this.answer({ type: "Transition", startVersion, endVersion: this.version, modifications });
    }

    handle(message: any) {
      if (message.type === "Authenticate") {
        if (message.tokenType === "User" && refused.has(message.value)) {
          const { identity: baseVersion } = this.version;
          this.answer({ type: "AuthError", error: "refused", baseVersion, authUpdateAttempted: true });
          this.close();
          return;
        }
        if (message.baseVersion !== this.version.identity) throw new Error("identity version");
        this.user = message.tokenType === "User" ? userOf(message.value) : null;
        this.transition({ identity: message.baseVersion + 1 }, [...this.queries.keys()]);
      } else if (message.type === "ModifyQuerySet") {
        const added: number[] = [];
        for (const { type, queryId, udfPath } of message.modifications) {
          if (type === "Add") {
            this.queries.set(queryId, udfPath);
            added.push(queryId);
          } else this.queries.delete(queryId);
        }
        this.transition({ querySet: message.newVersion }, added);
      } else if (message.type === "Mutation" || message.type === "Action") {
        ran.push({ kind: message.type.toLowerCase(), path: message.udfPath, user: this.user });
        if (!answering) return;
        const result = { requestId: message.requestId, success: true, result: this.user, logLines: [] };
        this.answer({ ...result, type: message.type + "Response", ts: u64(++ts) });
        this.transition({}, []);
      }
    }
  }

  return {
    /** For the client's option `webSocketConstructor`. */
    WebSocket: Socket as unknown as typeof WebSocket,
    received,
    ran,
    sockets,
    /** Tokens that are not accepted. */
    refused,
    /** The values of the Authenticate messages: a token, or null for nobody. */
    auths: () => received.filter(({ type }) => type === "Authenticate").map(({ value }) => value ?? null),
    /** Who the server takes the client for. */
    user: () => sockets[sockets.length - 1]?.user,
    /** The network drops the current socket. */
    drop: () => sockets[sockets.length - 1]!.close(1006),
    /** Mutations run, but are not answered. */
    keepAnswers: () => {
      answering = false;
    },
  };
};
