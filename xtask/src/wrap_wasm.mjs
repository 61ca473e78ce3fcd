// Makes the JavaScript modules that the package is bundled from: the wasm as base64 text, and the glue as a function, so
// that each instance has glue of its own. On the way the names that wasm imports, half of them hashes that do not
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

/** What the glue does in a more general way than this package needs. A function is given a new body; of the rest, what
 *  matches is replaced. */
const DIET = [
  // A machine is freed when its bridge is disposed, and never by a garbage collector.
  [/^    __destroy_into_raw\(\) \{\n[^]*?^    \}\n/m, ""],
  ["const ptr = this.__destroy_into_raw();", "const ptr = this.__wbg_ptr;"],
  [/^        MachineFinalization\.register\(.*\);\n/m, ""],
  [/^const MachineFinalization = [^]*?;\n\n/m, ""],
  [/^if \(Symbol\.dispose\) .*;\n/m, ""],
  // Few and short strings cross: ids, and each token once.
  [/^let cachedUint8ArrayMemory0 = null;\n/m, ""],
  body("getUint8ArrayMemory0", "return new Uint8Array(wasm.memory.buffer);"),
  body(
    "passStringToWasm0",
    `const bytes = new TextEncoder().encode(arg);
    const ptr = malloc((WASM_VECTOR_LEN = bytes.length), 1) >>> 0;
    getUint8ArrayMemory0().set(bytes, ptr);
    return ptr;`,
  ),
  [/, wasm\.__wbindgen_realloc\b/g, ""],
  [/^let cachedTextDecoder = [^]*?^let numBytesDecoded = 0;\n/m, ""],
  body("decodeText", "return new TextDecoder().decode(getUint8ArrayMemory0().subarray(ptr, ptr + len));"),
  [/^const cachedTextEncoder = [^]*?^\}\n\n/m, ""],
];

/** The names whose definitions are gone; nothing may be left that uses them. */
const GONE = /\b(?:MachineFinalization|__destroy_into_raw|cached\w+|numBytesDecoded|MAX_SAFARI_DECODE_BYTES|realloc)\b/;

function body(name, text) {
  return [new RegExp(`^(function ${name}\\(.*\\) \\{\\n)[^]*?^\\}\\n`, "m"), `$1    ${text}\n}\n`];
}

function slimmed(glue) {
  for (const [what, by] of DIET) {
    const less = glue.replace(what, by);
    if (less === glue) throw new Error(`the glue has nothing like ${what}`);
    glue = less;
  }
  const left = GONE.exec(glue.replace(/^function passStringToWasm0\(.*/m, ""));
  if (left) throw new Error(`the glue still uses ${left[0]}`);
  return glue;
}

const exported = [];
const glue = readFileSync(file("bg.js"), "utf8").replace(/^export (function|class) (\w+)/gm, (_, kind, name) => {
  exported.push(name);
  return `${kind} ${name}`;
});
const imported = list.map(({ name }) => name);
const known = imported.every((name) => exported.includes(name));
if (!known || /^(?:export|import)\b/m.test(glue)) throw new Error("the glue has a form that is not known");
const members = [
  ...imported.map((name, i) => `${names[i]}: ${name}`),
  ...exported.filter((name) => !imported.includes(name)),
];

writeFileSync(`${folder}/${library}.wasm`, wasm);
writeFileSync(file("inlined.js"), `export default "${wasm.toString("base64")}";\n`);
writeFileSync(file("glue.js"), `export default () => {\n${slimmed(glue)}\nreturn { ${members.join(", ")} };\n};\n`);
