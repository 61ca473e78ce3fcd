// The operating system's side of a page: its renderer process, which can be stopped for a while. That is a frozen tab as
// the others see it: it holds its locks and says nothing. (`Page.setWebLifecycleState` does not freeze a headless one.)
// Only for processes of the browser that the scenarios launched themselves.
import { readFile, readdir } from "node:fs/promises";

const read = (path) => readFile(path, "utf8").catch(() => "");

/** Processor time that each renderer of ours has had, by process id. */
async function workload() {
  const parents = new Map();
  const found = new Map();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await read(`/proc/${name}/stat`);
    const [, , parent, ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
    parents.set(Number(name), Number(parent));
    if ((await read(`/proc/${name}/cmdline`)).includes("--type=renderer")) found.set(Number(name), Number(fields[10]) + Number(fields[9]));
  }
  const ours = (pid) => pid === process.pid || (parents.has(pid) && ours(parents.get(pid)));
  for (const pid of found.keys()) if (!ours(pid)) found.delete(pid);
  return found;
}

/** The renderer process of a page: the one that works while the page does. Nothing else may be going on. */
export async function rendererOf(page) {
  const before = await workload();
  await page.evaluate(() => {
    for (const end = Date.now() + 1_000; Date.now() < end; );
  });
  const after = await workload();
  const worked = (pid) => after.get(pid) - (before.get(pid) ?? 0);
  return [...after.keys()].toSorted((a, b) => worked(b) - worked(a))[0];
}

/** Stops a page's process while `use` runs. */
export async function frozen(page, use) {
  const pid = await rendererOf(page);
  process.kill(pid, "SIGSTOP");
  try {
    return await use();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
