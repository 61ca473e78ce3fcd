// What lies on the heap of a page, from snapshots. What the engine makes for itself, like compiled code, comes and goes by
// its own laws; without it, what scripts have made can be told to the byte.

/** Kinds of nodes that are the engine's own. */
const ENGINE = new Set(["code", "object shape", "hidden", "synthetic"]);
/** Natives that are the engine's own, and records of frames that took long. */
const ITS_OWN = /^system \/ |Timing/;

async function snapshot(page) {
  const session = await page.context().newCDPSession(page);
  const chunks = [];
  session.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => chunks.push(chunk));
  // What finalizers let go of in the first round goes in the second.
  for (let i = 0; i < 2; i++) await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.takeHeapSnapshot");
  await session.detach();
  return JSON.parse(chunks.join(""));
}

/**
 * `values`: bytes of what scripts have made, strings and closures and all. `natives`: objects of the browser that scripts
 * hold, like an AbortController. `all`: bytes of everything.
 */
export async function heap(page) {
  const { nodes, strings, snapshot: { meta } } = await snapshot(page);
  const { node_fields: fields, node_types: [kinds] } = meta;
  const [kindAt, nameAt, sizeAt] = ["type", "name", "self_size"].map((field) => fields.indexOf(field));
  const found = { values: 0, natives: 0, all: 0 };
  for (let i = 0; i < nodes.length; i += fields.length) {
    const kind = kinds[nodes[i + kindAt]];
    const size = nodes[i + sizeAt];
    found.all += size;
    if (kind === "native") found.natives += !ITS_OWN.test(strings[nodes[i + nameAt]]);
    else if (!ENGINE.has(kind)) found.values += size;
  }
  return found;
}

/**
 * What each of so many rounds of some work leaves on the heap: bytes of values, and natives. The lesser of two halves
 * counts: a leak is in both, a library that is late to load something is not.
 */
export async function leftBy(page, work, rounds) {
  const half = rounds / 2;
  const found = [await heap(page)];
  for (let i = 0; i < 2; i++) {
    await work(half);
    found.push(await heap(page));
  }
  const [start, middle, end] = found;
  const left = (what) => Math.min(middle[what] - start[what], end[what] - middle[what]) / half;
  return { values: left("values"), natives: left("natives") };
}
