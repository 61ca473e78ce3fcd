// Makes the JavaScript modules that the package is bundled from: the wasm as base64 text, and the glue as a function, so
// that each instance has glue of its own. On the way the names that wasm imports, half of them hashes that do not
// compress, become short ones in both. Folder and library name in; it must never write wasm that an engine refuses.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const [folder, library] = process.argv.slice(1);
const file = (suffix) => `${folder}/${library}_${suffix}`;

/** LEB128, as the wasm binary format writes its unsigned numbers. */
function number(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)];
}

function reader(bytes, at) {
  const next = {
    at,
    number() {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[next.at++];
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    },
    bytes() {
      const length = next.number();
      return bytes.subarray(next.at, (next.at += length));
    },
  };
  return next;
}

/** The imports of a section: from where, by what name, of which type. */
function imports(section) {
  const read = reader(section, 0);
  return Array.from({ length: read.number() }, () => {
    const module = Buffer.from(read.bytes());
    const name = Buffer.from(read.bytes()).toString();
    if (read.number() !== FUNCTION) throw new Error("the module imports something other than functions");
    return { module, name, type: read.number() };
  });
}

/** A short name for each import. The first tells the whole list from every other, so that glue and wasm of two builds
 *  refuse each other instead of calling the wrong function. */
function shortNames(list) {
  const all = list.map(({ name }) => name).join();
  const mark = createHash("sha256").update(all).digest("hex").slice(0, 8);
  return list.map((_, i) => (i === 0 ? `_${mark}` : `_${i.toString(36)}`));
}

function importSection(list, names) {
  const one = ({ module, type }, i) =>
    [number(module.length), module, number(names[i].length), Buffer.from(names[i]), FUNCTION, number(type)].flatMap(
      (part) => (typeof part === "number" ? part : [...part]),
    );
  return [...number(list.length), ...list.flatMap(one)];
}

const IMPORT_SECTION = 2;
const FUNCTION = 0;

const original = readFileSync(file("bg.wasm"));
const read = reader(original, 8);
const parts = [original.subarray(0, read.at)];
let list = [];
let names = [];
while (read.at < original.length) {
  const id = read.number();
  let section = read.bytes();
  if (id === IMPORT_SECTION) {
    list = imports(section);
    names = shortNames(list);
    section = importSection(list, names);
  }
  parts.push(Buffer.from([id, ...number(section.length)]), Buffer.from(section));
}
const wasm = Buffer.concat(parts);
new WebAssembly.Module(wasm);

const exported = [];
const body = readFileSync(file("bg.js"), "utf8").replace(/^export (function|class) (\w+)/gm, (_, kind, name) => {
  exported.push(name);
  return `${kind} ${name}`;
});
const imported = list.map(({ name }) => name);
const known = imported.every((name) => exported.includes(name));
if (!known || /^(?:export|import)\b/m.test(body)) throw new Error("the glue has a form that is not known");
const members = [
  ...imported.map((name, i) => `${names[i]}: ${name}`),
  ...exported.filter((name) => !imported.includes(name)),
];

writeFileSync(`${folder}/${library}.wasm`, wasm);
writeFileSync(file("inlined.js"), `export default "${wasm.toString("base64")}";\n`);
writeFileSync(file("glue.js"), `export default () => {\n${body}\nreturn { ${members.join(", ")} };\n};\n`);
