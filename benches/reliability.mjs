// The fault matrix of docs/reliability.md: `cargo xtask bench reliability [ROW]`. Every cell of our column comes from a run
// in Chromium with the real clerk-js against the stand-in, whose faults are real answers. With a part of a row's name it
// runs and prints what fits, and writes nothing.
import { cpus } from "node:os";
import { join } from "node:path";
import { bundle } from "../tests/e2e/harness/bundle.mjs";
import { launch } from "../tests/e2e/harness/chromium.mjs";
import { table, write } from "./document.mjs";
import { App } from "./reliability/app.mjs";
import { FAULTS } from "./reliability/faults.mjs";
import { MANY_TABS } from "./reliability/many-tabs.mjs";
import { MATRIX, PEERS, TABS } from "./reliability/peers.mjs";

const here = import.meta.dirname;
const DOCUMENT = join(here, "../docs/reliability.md");
/** So many rows at once; those with many tabs come after them, one by one. */
const AT_ONCE = 4;

const [wanted = ""] = process.argv.slice(2);
const asked = ({ name }) => name.includes(wanted);

const pages = await bundle({ session: join(here, "pages/session.ts") });
const browser = await launch();

async function run(row) {
  const cell = await App.with(browser, pages, row.options, (app) => row.play(app)).catch((error) => {
    console.error(`${row.name}: ${error.stack}`);
    process.exitCode = 1;
    return "**failed**";
  });
  console.log(`${row.name}${row.tabs ? `, ${row.tabs} tabs` : ""}: ${cell}`);
  return cell;
}

/** Runs rows, so many side by side; answers their cells in order. */
async function all(rows, atOnce) {
  const cells = [];
  const queue = [...rows.entries()];
  const work = async () => {
    for (let next; (next = queue.shift()); ) cells[next[0]] = await run(next[1]);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return cells;
}

try {
  const faults = FAULTS.filter(asked);
  const cells = await all(faults, AT_ONCE);
  const many = MANY_TABS.filter(asked);
  const counts = await all(many, 1);
  if (!wanted && !process.exitCode) {
    const names = [...new Set(many.map(({ name }) => name))];
    const text = [
      `Chromium ${browser.version()}, clerk-js 6.34.1, ${cpus().length} cores.`,
      "",
      table("---", ["fault", "clerk-bridge", ...PEERS], ...faults.map(({ name }, i) => [name, cells[i], ...(MATRIX[name] ?? PEERS.map(() => "not run"))])),
      "",
      table("--:", ["requests / good answers", "1 tab", "2 tabs", "8 tabs"], ...names.map((name) => [name, ...counts.filter((_, i) => many[i].name === name)])),
      "",
      table("---", ["the peers: requests with 1, 2, 8 tabs; good answers with 8", ...PEERS], ...TABS),
    ].join("\n");
    write(DOCUMENT, "reliability", text);
  }
} finally {
  await browser.close();
}
