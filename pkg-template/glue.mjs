// Rewrites what wasm-bindgen has written. The glue becomes a function, so that each instance of the wasm module has glue
// of its own and a dead one shares nothing with the next; the long names with hashes that glue and module call each
// other by become short ones in both. It must never change what the glue does.

const EXPORTED = /^export (class|function) (\w+)/gm;

/** The glue as a module whose default export makes the glue of one instance. */
export function factory(glue) {
  const names = [...glue.matchAll(EXPORTED)].map(([, , name]) => name);
  const body = glue.replace(EXPORTED, "$1 $2");
  if (/^(import|export) /m.test(body)) throw new Error("this glue imports or exports in a way that is not understood");
  return `export default () => {\n${body}\nreturn { ${names.join(", ")} };\n};\n`;
}

/** Bytes of a module, read and written in the few ways its import and export sections need. */
class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  get done() {
    return this.at >= this.bytes.length;
  }
  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
  name() {
    return Buffer.from(this.take(this.number())).toString();
  }
  /** What lies between here and where `read` ends. */
  span(read) {
    const from = this.at;
    read();
    return this.bytes.subarray(from, this.at);
  }
}

function number(value) {
  const bytes = [];
  do {
    const more = value > 0x7f;
    bytes.push((value & 0x7f) | (more ? 0x80 : 0));
    value >>>= 7;
  } while (value);
  return Buffer.from(bytes);
}

const name = (text) => Buffer.concat([number(Buffer.byteLength(text)), Buffer.from(text)]);

/** Skips what an import is: a function, a table, a memory, a global or a tag. */
function importKind(section) {
  const kind = section.take(1)[0];
  const limits = () => {
    const flags = section.number();
    section.number();
    if (flags & 1) section.number();
  };
  if (kind === 0) section.number();
  else if (kind === 1) {
    section.take(1);
    limits();
  } else if (kind === 2) limits();
  else throw new Error(`import kind ${kind} is not understood`);
}

const rewriters = {
  2: (section, rename) => [section.name(), rename(section.name()), section.span(() => importKind(section))],
  7: (section, rename) => [rename(section.name()), section.span(() => (section.take(1), section.number()))],
};

function rewrite(id, body, rename) {
  const section = new Bytes(body);
  const count = section.number();
  const parts = [number(count)];
  for (let i = 0; i < count; i++) {
    for (const part of rewriters[id](section, rename)) parts.push(typeof part === "string" ? name(part) : part);
  }
  return Buffer.concat(parts);
}

/** Glue and module with short names for what they import and export of each other. */
export function shorten(glue, module) {
  const short = new Map();
  const rename = (long) => {
    // Names that are read elsewhere, or are short already, stay.
    if (!/^__wb|^wasm_bindgen__|^shell_|^__externref/.test(long) || long === "__wbindgen_start") return long;
    if (!short.has(long)) short.set(long, `_${short.size.toString(36)}`);
    return short.get(long);
  };
  const whole = new Bytes(module);
  const parts = [whole.take(8)];
  while (!whole.done) {
    const id = whole.take(1)[0];
    const body = whole.take(whole.number());
    const rewritten = rewriters[id] ? rewrite(id, body, rename) : body;
    parts.push(Buffer.from([id]), number(rewritten.length), rewritten);
  }
  const text = glue.replace(/\w+/g, (word) => short.get(word) ?? word);
  return { glue: text, module: Buffer.concat(parts) };
}
