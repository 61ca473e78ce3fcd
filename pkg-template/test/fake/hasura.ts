// Stands for a Hasura server: GraphQL over HTTP, where errors have status 200, and over graphql-transport-ws, where the
// identity of a socket is fixed by its first message. A token is `USER:NUMBER`.
type Problem = { code: string; message: string };

const jwt = (why: string): Problem => ({ code: "invalid-jwt", message: "Could not verify JWT: " + why });

export const EXPIRED = jwt("JWTExpired");
export const SIGNATURE = jwt("JWSError JWSInvalidSignature");
export const AUDIENCE = jwt("JWTNotInAudience");
export const EARLY = jwt("JWTIssuedAtFuture");
export const DENIED: Problem = { code: "access-denied", message: "Your requested role is not in allowed roles" };

const userOf = (authorization?: string | null) => authorization?.replace("Bearer ", "").split(":")[0] ?? null;
const failing = ({ code, message }: Problem) => ({ errors: [{ message, extensions: { path: "$", code } }] });

export const createHasura = () => {
  /** What is wrong with a token. */
  const problems = new Map<string, Problem>();
  const requests: Array<{ bearer: string | null; role: string | null; url: string; body: any }> = [];
  const sockets: Socket[] = [];
  const pending: Array<() => void> = [];
  const setup = { anonymous: true, keepAnswers: false, hang: false, down: false };
  const problem = (authorization?: string | null) => problems.get(authorization?.replace("Bearer ", "") ?? "nobody");

  const serve = async (input: any, init: any = {}): Promise<Response> => {
    const request = input instanceof Request ? input : undefined;
    const headers = new Headers(init.headers ?? request?.headers);
    const text = init.body ?? (request?.body ? await request.text() : null);
    const bearer = headers.get("authorization");
    const body = typeof text === "string" ? JSON.parse(text) : text;
    requests.push({ bearer, role: headers.get("x-hasura-role"), url: String(request?.url ?? input), body });
    if (setup.keepAnswers) await new Promise<void>((resolve) => pending.push(resolve));
    const wrong = problem(bearer);
    const answer = wrong ? failing(wrong) : { data: { me: userOf(bearer) } };
    return Response.json(Array.isArray(body) ? body.map(() => answer) : answer);
  };

  class Socket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readyState = 0;
    onopen: any;
    onmessage: any;
    onclose: any;
    onerror: any;
    /** What the client said first, and for whom the server takes it. */
    init: any;
    user: string | null | undefined;
    closedWith: number | undefined;
    readonly subscriptions: string[] = [];

    constructor(
      readonly url: string,
      readonly protocol: string,
    ) {
      sockets.push(this);
      queueMicrotask(() => {
        if (setup.down) {
          this.readyState = 3;
          this.onerror?.({ type: "error" });
          queueMicrotask(() => this.onclose?.({ code: 1006, reason: "" }));
        } else {
          this.readyState = 1;
          this.onopen?.({});
        }
      });
    }
    /** The client speaks. */
    send(data: string) {
      if (this.readyState !== 1) return;
      const { type, id, payload } = JSON.parse(data);
      if (type === "connection_init") {
        this.init = payload ?? {};
        const authorization = this.init.headers?.Authorization;
        if (problem(authorization) || (!authorization && !setup.anonymous)) return this.end(4403);
        this.user = userOf(authorization);
        this.say({ type: "connection_ack" });
      } else if (type === "subscribe") {
        this.subscriptions.push(id);
        this.row();
      }
    }
    say(message: object) {
      queueMicrotask(() => this.readyState === 1 && this.onmessage?.({ data: JSON.stringify(message) }));
    }
    row() {
      for (const id of this.subscriptions) this.say({ type: "next", id, payload: { data: { me: this.user } } });
    }
    /** The client closes. */
    close(code = 1005) {
      if (this.readyState > 1) return;
      this.readyState = 2;
      this.closedWith = code;
      if (!setup.hang) queueMicrotask(() => this.finish(code));
    }
    /** The server closes. */
    end(code: number) {
      queueMicrotask(() => this.finish(code));
    }
    finish(code: number) {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.onclose?.({ code, reason: "" });
    }
  }

  return {
    /** For `webSocketImpl` of graphql-ws. */
    WebSocket: Socket,
    fetch: serve as typeof fetch,
    /** `anonymous` allowed; `keepAnswers` of HTTP back; `hang`: a close is not answered; `down`: no socket opens. */
    setup,
    problems,
    requests,
    sockets,
    last: () => sockets[sockets.length - 1]!,
    open: () => sockets.filter(({ readyState }) => readyState < 2),
    bearers: () => requests.map(({ bearer }) => bearer),
    /** What each socket that said something said of itself. */
    inits: () => sockets.filter(({ init }) => init).map(({ init }) => init.headers?.Authorization ?? null),
    answer: () => {
      setup.keepAnswers = false;
      pending.splice(0).forEach((go) => go());
    },
  };
};
