// Instant: how its own session is made from a user's first token, and ended. It must never exchange twice what one
// exchange can do, nor leave a session behind that outlives the user. Instant is told apart by shape and never imported.
import { type Adapter, type Link, toBackend } from "./backend.js";
import { demand, demandTemplate, hasMethods } from "./demand.js";
import { BridgeError } from "./errors.js";
import { underLock } from "./lock.js";
import { payloadOf } from "./payload.js";
import type { AttachContext, Backend } from "./types.js";

type Talk = Omit<Adapter, "kind">;

const talkTo = (core: any, clientName: string, template: string | null | undefined, extraFields: unknown): Talk => {
  const { _reactor: reactor, auth } = core;
  let link: Link;
  let context: AttachContext | undefined;
  /** Instant's id of whom this tab has attached. */
  let attached: string | undefined;
  /** The session that this tab's client goes by. */
  let seen: string | undefined;
  /** The session that this tab's exchange made. */
  let made: string | undefined;
  /** A session of nobody the bridge knows, off this device and still to be revoked. */
  let found: string | undefined;
  let warned: string | undefined;
  let stop = () => {};

  /** Other tabs change what is stored before this one's client has heard of it. */
  const stored = () => reactor.getCurrentUser({ forceReadFromStorage: true });

  /** Whose Instant's session is: the user of Clerk and Instant's own id of theirs, for all tabs. Instant keeps one session
   *  for each browser, and does not tell. Storage may be blocked. */
  const mark = "clerk-bridge.instant." + reactor.config?.appId;
  const named = (userId: string, id: string) => userId + " " + id;
  const note = (whose: string | null) => {
    try {
      if (whose) localStorage.setItem(mark, whose);
      else localStorage.removeItem(mark);
    } catch {}
  };
  const noted = () => {
    try {
      return localStorage.getItem(mark);
    } catch {
      return null;
    }
  };

  /** On this device, at once; the other tabs' clients follow. (H15) */
  const forget = () => auth.signOut({ invalidateToken: false });

  /** Who watches a query would go on seeing what the last user saw, until the server answers. (D3) */
  const blank = () => {
    for (const { q, cb } of Object.values<any>(reactor.queryCbs).flat()) {
      const { $$ruleParams, ...names } = q;
      const each = (nothing: object) => Object.fromEntries(Object.keys(names).map((name) => [name, nothing]));
      try {
        cb({ data: each([]), pageInfo: each({}) }); // infinite queries read both
      } catch {}
    }
  };

  const revoke = async (refresh_token: string) => {
    const { apiURI, appId } = reactor.config;
    const { status } = await fetch(apiURI + "/runtime/signout", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ app_id: appId, refresh_token }),
      keepalive: true,
    });
    // Any other refusal: it is dead already.
    if (status === 429 || status >= 500) throw new Error("Instant answered " + status);
  };

  const exchange = async (idToken: string, mended?: boolean): Promise<any> => {
    try {
      return (await auth.signInWithIdToken({ clientName, idToken, extraFields })).user;
    } catch (error: any) {
      const { status, body } = error;
      if (!mended && body?.hint?.["record-type"] === "app-user") {
        await forget();
        return exchange(idToken, true); // H13
      }
      if (!(status < 500) || status === 429) throw error;
      // Not the whole answer, which might quote the token.
      const why = body?.hint?.errors?.[0]?.message ?? body?.error ?? error.message;
      const code = /expired/.test(why) ? "ERR_BACKEND_REJECTED" : "ERR_BACKEND_CONFIG";
      throw new BridgeError(code, `Check the client "${clientName}" in Instant: ${why}`);
    }
  };

  /** Without these claims Instant makes a user without an address. (H14) */
  const warn = (token: string, userId: string) => {
    if (warned === userId) return;
    warned = userId;
    const claims = payloadOf(token);
    const missing = ["email", "email_verified"].filter((name) => claims && claims[name] == null).join(" and ");
    const where = template ? "template" : "session token";
    if (missing) link.report("backend.warning", `Add ${missing} to the ${where}'s claims.`);
  };

  return {
    open(given) {
      link = given;
      stop = core.subscribeAuth(({ user, error }: any) => {
        const before = seen;
        seen = user?.refresh_token;
        if (before && before !== seen) blank();
        if (error || user?.id === attached) return;
        // Another tab made itself at home as somebody else, or Instant found its session revoked.
        if (user) context?.rejected({ retry: false, message: "Another tab is signed in to Instant as another user." });
        else context?.rejected({ retry: true });
        context = undefined;
      });
    },
    async attach(token, whose) {
      const { userId, signal, owned } = whose;
      context = undefined;
      warn(token, userId);
      const work = async () => {
        if (signal.aborted) throw new BridgeError("ERR_SIGNED_OUT");
        let { user } = await stored();
        const session = user?.refresh_token;
        const whose = noted();
        // A guest becomes the user, in place.
        if (user?.type === "guest") user = null;
        else if (user && (whose ? whose !== named(userId, user.id) : !owned)) {
          found = session;
          await forget();
          user = null;
        } // Another tab was first.
        else if (user && session !== seen) await reactor.updateUser(user);
        if (found) await revoke(found); // H12
        found = undefined;
        if (!user) {
          user = await exchange(token);
          made = user.refresh_token;
        }
        attached = user.id as string;
        note(named(userId, attached));
      };
      await underLock(["clerk-bridge.instant", reactor.config.appId, userId].join("."), signal, work);
      context = whose;
    },
    async detach() {
      context = undefined;
      const { user, error } = await stored();
      const mine = !attached || !user || user.id === attached;
      const own = made;
      attached = made = undefined;
      // Another tab may be ahead, with the next user, and never have seen what this one made. (H11)
      if (!mine) return own;
      note(null);
      if (user || error) await forget();
      // Another tab was first, and its word is still on the way. (E5)
      else if (seen) await reactor.updateUser(null);
      return user?.refresh_token;
    },
    revoke,
    close() {
      context = undefined;
      stop();
    },
  };
};

/**
 * Instant: `db` from `init()` of `@instantdb/core` or `@instantdb/react`. `clientName` is the Clerk client in the auth
 * settings of the Instant app. The token needs the claims `email` and `email_verified`.
 *
 * @example
 * ```ts
 * const db = init({ appId, apiURI, websocketURI });
 * const bridge = createBridge({ source: window.Clerk, backends: { instant: instant(db, { clientName: "clerk" }) } });
 * ```
 */
export function instant(
  db: object,
  options: { clientName: string; template?: string | null; extraFields?: Record<string, unknown> },
): Backend {
  const core = (db as any)?.core ?? db;
  demand(
    hasMethods(core, "getAuth", "subscribeAuth") &&
      hasMethods(core.auth, "signInWithIdToken", "signOut") &&
      core._reactor?.config?.appId,
    "db",
    "an Instant database",
  );
  const { clientName, template, extraFields } = options ?? {};
  demand(clientName && typeof clientName === "string", "clientName", "a string");
  demandTemplate(template);
  const talk = talkTo(core, clientName, template, extraFields);
  return toBackend({ kind: "instant", policy: 2, template, client: core, ...talk });
}
