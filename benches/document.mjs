// Where the measurements go: between two marks of a document, which has the words around them.
import { readFileSync, writeFileSync } from "node:fs";

const row = (...cells) => `| ${cells.join(" | ")} |`;

/** A table; `align` is that of all columns but the first. */
export const table = (align, head, ...rows) =>
  [row(...head), row(...head.map((_, i) => (i ? align : "---"))), ...rows.map((cells) => row(...cells))].join("\n");

/** Puts a text between the marks `<!-- name: begin -->` and `<!-- name: end -->` of a document. */
export function write(document, name, text) {
  const before = readFileSync(document, "utf8");
  const between = new RegExp(`(<!-- ${name}: begin -->\n)[^]*(<!-- ${name}: end -->)`);
  if (!between.test(before)) throw new Error(`${document} has lost its marks`);
  writeFileSync(document, before.replace(between, (_, begin, end) => `${begin}${text}\n${end}`));
}
