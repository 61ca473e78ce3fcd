// What scenarios do on the page that keeps its rows in Instant, and how they read what came of it. Assertions are the
// scenarios'.
import { EMAIL_CLAIMS } from "./board.mjs";
import { until } from "./cloud.mjs";

/** Who is signed in has an address. */
export const addressed = ({ before, ...options }) => ({
  page: "instant",
  ...options,
  async before(scene) {
    await scene.cloud.control("tokens", { sessionClaims: EMAIL_CLAIMS });
    await before?.(scene);
  },
});

export const exchanges = (log) => log.instant("id_token");
/** Exchanges and revocations, in order, with whose session went along. */
export const calls = (log) =>
  log.filter(({ service, what }) => service === "instant" && /^(id_token|signout)$/.test(what))
    .map(({ what, user, detail }) => [what, user ?? detail.refreshTokenOf]);
export const sockets = (log) => log.instant("init").map(({ user }) => user);
/** As whom rows were written. */
export const writes = (log, text) =>
  log.instant("transact").filter(({ detail }) => JSON.stringify(detail.steps).includes(text)).map(({ user }) => user);

/** Waits until these sessions, by user, are alive on the server. */
export const alive = (scene, users) =>
  until(`alive are ${JSON.stringify(users)}`, async () =>
    JSON.stringify((await scene.cloud.control("instant/tokens")).users) === JSON.stringify(users));

export const email = (scene, email) => scene.sees((email) => window.seen.results.email?.at(-1) === email, email);

/** Cuts Instant's sockets, and those to come; answers what mends them. */
export async function unplug({ cloud }) {
  const id = await cloud.fault("instant", "GET /runtime/session", "drop");
  await cloud.control("instant/drop", {});
  return () => cloud.clear(id);
}
