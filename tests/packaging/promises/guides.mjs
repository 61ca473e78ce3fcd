// The code in the README and the guides. Every block is compiled, parsed or run as a reader would have it who copies
// it: against the package and its real peers. A block must never be exempt.
//
// Before a block may stand `<!-- types: declare const url: string -->`: what it takes for granted. A block whose first
// line is `// name.ts` is a file, which the other blocks of its guide can import.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { transform } from "esbuild";
import { Project, tool } from "../harness/project.mjs";

const ROOT = join(import.meta.dirname, "../../..");
const GUIDES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith(".md"),
);

const USES = [
  "react",
  "@types/react",
  "vite",
  "convex",
  "@clerk/react",
  "@clerk/shared",
  "@instantdb/core",
  "@triplit/client",
  "graphql",
  "graphql-ws",
  "@apollo/client",
  "@urql/core",
  "@urql/exchange-auth",
];

const BLOCK = /^ *(?:<!-- types: ([^]*?) -->\n+ *)?```(\w*)\n([^]*?)^ *```$/gm;

/** The blocks of a text: their language, what is taken for granted, and the line on which their code begins. */
function blocksOf(text) {
  return [...text.matchAll(BLOCK)].map(({ 0: whole, 1: granted = "", 2: language, 3: code, index }) => {
    const before = text.slice(0, index) + whole.slice(0, whole.indexOf("```" + language));
    return { language, granted: granted.replace(/\s+/g, " "), code, line: before.split("\n").length + 1 };
  });
}

/** Writes each block to where its errors tell guide and line: `docs/convex/block-12.ts(14,3)` is line 14. */
function lay(project, path, text) {
  const folder = path.replace(/\.md$/, "");
  for (const { language, granted, code, line } of blocksOf(text).filter(({ language }) => /^tsx?$/.test(language))) {
    const name = /^ *\/\/ ([\w.-]+\.tsx?)\n/.exec(code)?.[1] ?? `block-${line}.${language}`;
    assert.ok(!existsSync(project.path(folder, name)), `${path} has two files ${name}`);
    const above = "\n".repeat(line - 2);
    project.write(join(folder, name), `${above}${granted}; export {};\n${code}`);
  }
}

/** What the compiler has to say. */
async function complaints(project) {
  return project.node(tool("typescript"), "--project", ".").then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
}

const read = (path) => readFileSync(join(ROOT, path), "utf8");
const all = GUIDES.flatMap((path) => blocksOf(read(path)).map((block) => ({ path, ...block })));
const of = (...languages) => all.filter(({ language }) => languages.includes(language));
const where = ({ path, line }) => `${path}:${line}`;

describe("guides", () => {
  test("i3_every_block_names_its_language", () => {
    // One that this test does not read would be exempt.
    const known = ["ts", "tsx", "js", "json", "sh", "diff", "text"];
    assert.deepEqual(all.filter(({ language }) => !known.includes(language)).map(where), []);
    const fences = GUIDES.map((path) => read(path).match(/^ *```/gm)?.length ?? 0).reduce((sum, n) => sum + n, 0);
    assert.equal(all.length * 2, fences);
  });

  test("i3_every_typescript_block_compiles_against_the_package_and_its_peers", async () => {
    const project = new Project({ fixture: "guides", uses: USES });
    for (const path of GUIDES) lay(project, path, read(path));
    assert.equal(await complaints(project), "");
  });

  test("i3_a_block_that_is_wrong_is_found_at_its_line", async () => {
    const project = new Project({ fixture: "guides", uses: USES });
    const call = "import { createBridge } from 'clerk-bridge';\ncreateBridge(options);\n";
    const wrong = "<!-- types: declare const options: { persist: 'forever' } -->\n```ts\n" + call + "```\n";
    lay(project, "docs/wrong.md", "# Wrong\n\n" + wrong);
    assert.match(await complaints(project), /^docs\/wrong\/block-5\.ts\(6,14\): error TS2345: .*\n[^]*'"forever"'/);
  });

  test("i3_every_json_block_parses_and_every_javascript_block_is_javascript", async () => {
    assert.notEqual(of("json").length, 0);
    for (const block of of("json")) assert.doesNotThrow(() => JSON.parse(block.code), where(block));
    for (const block of of("js"))
      await transform(block.code, { loader: "js", format: "esm" }).catch((error) => assert.fail(where(block) + error));
  });

  test("i3_every_link_between_the_texts_leads_somewhere", () => {
    const slug = (title) => title.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
    const headings = (path) => [...readFileSync(path, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, title]) => slug(title));
    const dead = GUIDES.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g)].filter(([, to, part]) => {
        const target = to ? join(ROOT, dirname(path), to) : join(ROOT, path);
        return !existsSync(target) || (part && !headings(target).includes(part));
      }).map(([link]) => `${path}: ${link}`),
    );
    assert.deepEqual(dead, []);
  });

  // The one adapter that a reader is meant to copy does what is said of it.
  test("d3_g2_the_adapter_of_the_guide_keeps_users_apart", async () => {
    const project = new Project({ fixture: "guides", uses: [...USES, "vitest", "jsdom"] });
    lay(project, "docs/your-own-backend.md", read("docs/your-own-backend.md"));
    const { stdout } = await project.node(tool("vitest"), "run", "--environment", "jsdom", "--reporter", "json");
    const { numPassedTests, numTotalTests } = JSON.parse(stdout);
    assert.ok(numTotalTests > 0 && numPassedTests === numTotalTests, stdout);
  });
});
