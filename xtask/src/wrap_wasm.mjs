// Makes the JavaScript modules that the package is bundled from: the wasm as base64 text, and the glue as a function, so
// that each instance has glue of its own. On the way the names between the two, half of them hashes that do not
// compress, become short ones in both, and the glue loses what only other users of wasm-bindgen need.
// Folder and library name in; it must never write wasm that an engine refuses, nor glue of a form that it does not know.
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

/** The exports of a section: by what name, of what kind, which. */
function exports(section) {
  const read = reader(section, 0);
  return Array.from({ length: read.number() }, () => ({
    name: Buffer.from(read.bytes()).toString(),
    kind: read.number(),
    index: read.number(),
  }));
}

/** A short name for each import. The first tells the whole list from every other, so that glue and wasm of two builds
 *  refuse each other instead of calling the wrong function. */
function shortNames(list) {
  const all = list.map(({ name }) => name).join();
  const mark = createHash("sha256").update(all).digest("hex").slice(0, 8);
  return list.map((_, i) => (i === 0 ? `_${mark}` : `_${i.toString(36)}`));
}

const string = (text) => [...number(text.length), ...Buffer.from(text)];

function importSection(list, names) {
  const one = ({ module, type }, i) => [...string(module), ...string(names[i]), FUNCTION, ...number(type)];
  return [...number(list.length), ...list.flatMap(one)];
}

function exportSection(list, names) {
  const one = ({ kind, index }, i) => [...string(names[i]), kind, ...number(index)];
  return [...number(list.length), ...list.flatMap(one)];
}

const IMPORT_SECTION = 2;
const EXPORT_SECTION = 7;
const FUNCTION = 0;

/** What the glue does in a more general way than this package needs: `[what, by]`, all replaced. */
const DIET = [
  // A machine is freed when its bridge is disposed, never by a garbage collector.
  [/^    __destroy_into_raw\(\) \{\n[^]*?^    \}\n/m, ""],
  ["const ptr = this.__destroy_into_raw();", "const ptr = this.__wbg_ptr;"],
  [/^        MachineFinalization\.register\(.*\);\n/m, ""],
  [/^const MachineFinalization = [^]*?;\n\n/m, ""],
  [/^if \(Symbol\.dispose\) .*;\n/m, ""],
  // Few and short strings cross: ids, and each token once.
  [/^let cached\w+ = null;\n/m, ""],
  [/^let cachedTextDecoder = [^]*?^let numBytesDecoded = 0;\n/m, ""],
  [/^const cachedTextEncoder = [^]*?^\}\n\n/m, ""],
  body("getUint8ArrayMemory0", "return new Uint8Array(wasm.memory.buffer);"),
  body("decodeText", "return new TextDecoder().decode(getUint8ArrayMemory0().subarray(ptr, ptr + len));"),
  body(
    "passStringToWasm0",
    `const bytes = new TextEncoder().encode(arg);
    const ptr = malloc((WASM_VECTOR_LEN = bytes.length), 1);
    getUint8ArrayMemory0().set(bytes, ptr);
    return ptr;`,
  ),
  [/, (?:wasm\.__wbindgen_)?realloc\b/g, ""],
  // Neither ids nor addresses get so large that a sign matters.
  [/ >>> 0\b/g, ""],
  // Parameters that are only handed on.
  [/\((arg0, )?(\w+(?:, \w+)+)\) \{\n(.*\()((?:this\.\w+, )?)\2\)/g, "($1...args) {\n$3$4...args)"],
  [/^(export function) __wbg_set_wasm(\(val\) \{\n    wasm = val;\n)/m, "$1 start$2    wasm.__wbindgen_start();\n"],
];

/** A new body for a function of the glue. */
function body(name, text) {
  return [new RegExp(`^(function ${name}\\(.*\\) \\{\\n)[^]*?^\\}\\n`, "m"), `$1    ${text}\n}\n`];
}

/** What must be gone then, definitions and uses. */
const GONE = /\b(?:MachineFinalization|__destroy_into_raw|cached\w+|numBytesDecoded|MAX_SAFARI\w+|\w*realloc)\b/;

function slimmed(glue) {
  for (const [what, by] of DIET) {
    const before = glue;
    glue = glue.replace(what, by);
    if (glue === before) throw new Error(`the glue has nothing like ${what}`);
  }
  const left = GONE.exec(glue);
  if (left) throw new Error(`the glue still has ${left[0]}`);
  return glue;
}

const provided = [];
let glue = slimmed(readFileSync(file("bg.js"), "utf8")).replace(/^export (function|class) (\w+)/gm, (_, kind, name) => {
  provided.push(name);
  return `${kind} ${name}`;
});
if (/^(?:export|import)\b/m.test(glue)) throw new Error("the glue has a form that is not known");

const original = readFileSync(file("bg.wasm"));
const read = reader(original, 8);
const parts = [original.subarray(0, read.at)];
const members = new Map(provided.map((name) => [name, name]));
while (read.at < original.length) {
  const id = read.number();
  let section = read.bytes();
  if (id === IMPORT_SECTION) {
    const list = imports(section);
    const names = shortNames(list);
    for (const [i, { name }] of list.entries()) {
      if (!members.has(name)) throw new Error(`the glue does not provide ${name}`);
      members.set(name, names[i]);
    }
    section = importSection(list, names);
  } else if (id === EXPORT_SECTION) {
    const used = new Set(Array.from(glue.matchAll(/\bwasm\.(\w+)/g), ([, name]) => name));
    const list = exports(section).filter(({ name }) => used.has(name));
    if (list.length !== used.size) throw new Error("the glue uses what the module does not export");
    const names = list.map((_, i) => (i + 10).toString(36));
    for (const [i, { name }] of list.entries()) glue = glue.replace(new RegExp(`\\bwasm\\.${name}\\b`, "g"), `wasm.${names[i]}`);
    section = exportSection(list, names);
  }
  parts.push(Buffer.from([id, ...number(section.length)]), Buffer.from(section));
}
const wasm = Buffer.concat(parts);
new WebAssembly.Module(wasm);

const made = Array.from(members, ([name, short]) => (name === short ? name : `${short}: ${name}`));
writeFileSync(`${folder}/${library}.wasm`, wasm);
writeFileSync(file("inlined.js"), `export default "${wasm.toString("base64")}";\n`);
writeFileSync(file("glue.js"), `export default () => {\n${glue}\nreturn { ${made.join(", ")} };\n};\n`);
