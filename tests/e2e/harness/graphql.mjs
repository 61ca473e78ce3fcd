// What scenarios do on the page that speaks GraphQL, and how they read what came of it. Assertions are the scenarios'.
import { Writer } from "./writer.mjs";

export const WHOAMI = "{ whoami { user_id org_id role } }";
export const TASKS = "{ tasks { id user_id } }";

/** Asks under a name; how it ends is in `calls`, what comes of it in `results`. */
export const ask = (scene, name = "whoami", query = WHOAMI) =>
  scene.page.evaluate((args) => window.ask(...args), [name, query]);

export const answer = (scene, name = "whoami") =>
  scene.page.evaluate((name) => window.seen.results[name]?.at(-1), name);

/** Subscribes under a name; how it ends is in `calls`, what it brings in `rows`. */
export const watch = (scene, name, query = WHOAMI) =>
  scene.page.evaluate((args) => window.watch(...args), [name, `subscription ${query}`]);

/** A subscription with a token that lasts, on a socket that is never renewed. */
const witness = (scene, name, query, token) =>
  scene.page.evaluate((args) => window.witness(...args), [name, `subscription ${query}`, token]);

export const rows = (scene, name) =>
  scene.page.evaluate((name) => window.seen.rows.filter((row) => row.name === name), name);

/** Waits until the newest result of this subscription to `whoami` is this user's; null is nobody's. */
export const sees = (scene, name, userId) =>
  scene.sees(([name, userId]) => {
    const last = window.seen.rows.findLast((row) => row.name === name);
    return last && last.data.whoami.user_id === userId;
  }, [name, userId]);

/** Waits until this task has come by all these subscriptions. */
const arrived = (scene, id, ...names) =>
  scene.sees(([id, names]) => names.every((name) => {
    const last = window.seen.rows.findLast((row) => row.name === name);
    return last?.data.tasks.some((task) => task.id === id);
  }), [id, names]);

/** By how many milliseconds each task came later by one subscription than by another. Found out in the page: handing
 *  over so many rows would stop it for seconds. */
const delays = (scene, ids, name, other) =>
  scene.page.evaluate(([ids, ...names]) => {
    const [late, early] = names.map((wanted) => {
      const first = new Map();
      for (const { at, name, data } of window.seen.rows) {
        if (name === wanted) for (const { id } of data.tasks) if (!first.has(id)) first.set(id, at);
      }
      return first;
    });
    return ids.map((id) => late.get(id) - early.get(id));
  }, [ids, name, other]);

/** Rows of this user come by a subscription that is renewed, "live", and by a witness of it. The answer ends the writing:
 *  it tells the rows, and by how much the latest of them was late. */
export async function besideWitness(scene, userId, query, everyMs) {
  const writer = await Writer.as(scene.cloud, userId);
  await watch(scene, "live", query);
  await witness(scene, "witness", query, writer.token);
  await scene.sees(() => window.seen.rows.length > 1);
  const stop = writer.every(everyMs);
  return async () => {
    const written = await stop();
    await arrived(scene, written.at(-1), "live", "witness");
    return { written, gap: Math.max(...(await delays(scene, written, "live", "witness"))) };
  };
}

export const mints = (log) => log.mints("hasura").length;

const whose = ({ user, detail }) => (detail.refused || detail.fault?.kind === "reject" ? "refused" : user);
/** As whom requests for `whoami` ran, and sockets opened: null for nobody, "refused" for those that did not. */
export const callers = (log) => log.hasura("Query whoami").map(whose);
export const inits = (log) => log.hasura("Init").map(whose);
/** Why sockets ended; "gone" for those that the page closed. */
export const closes = (log) => log.hasura("Close").map(({ detail }) => detail.why);
