// The rows on many tabs: how many requests N tabs make where one would do, and how many get a good answer.
import { answers } from "./faults.mjs";

const COUNTS = [1, 2, 8];
const ROTATIONS = 3;
const HOUR_MS = 3_600_000;

const told = (counted) => `${counted.requests} / ${counted.good === counted.calls ? counted.good : answers(counted)}`;

/** All tabs ask at the same instant, with a token that ran out while the machine slept. */
const asking = (delayMs) => async (app) => {
  await app.cloud.control("clock", { offsetMs: 2 * HOUR_MS });
  if (delayMs) await app.fault("delay", { ms: delayMs });
  return told(
    await app.count(async () => {
      await app.context.clock.setSystemTime(Date.now() + 2 * HOUR_MS);
      return Promise.all(app.tabs.map((tab) => tab.evaluate(() => window.atOnce(1))));
    }),
  );
};

/** Nobody asks: what each expiry costs. */
async function rotating(app) {
  const since = await app.cloud.mark();
  const log = await app.cloud.until("rotations", (log) => log.mints().length >= ROTATIONS && log, { since, patienceMs: 60_000 });
  const times = log.mints().map(({ at }) => at);
  const [first, last] = [times[0], times.at(-1)];
  const expiries = Math.round((last - first) / ((app.life - app.life / 4) * 1000)) + 1;
  return `${(log.mints().length / expiries).toFixed(0)} / ${(await app.atOnce(1)).good}`;
}

const before = ({ context }) => context.clock.install();

/** Requests / good answers, by number of tabs. */
export const MANY_TABS = [
  { name: "all ask at the same instant, token expired", options: { before }, play: asking(0) },
  { name: "the same, and Clerk takes 7 s", options: { before }, play: asking(7_000) },
  { name: "nobody asks: each expiry", options: { life: 8 }, play: rotating },
].flatMap(({ name, options, play }) => COUNTS.map((tabs) => ({ name, tabs, options: { ...options, tabs }, play })));
