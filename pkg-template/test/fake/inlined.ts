// The smallest wasm module that can trap: whoever makes a machine in it finds it dead.
const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
const section = (id: number, body: number[]) => [id, body.length, ...body];

export const bytes = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 0, 0]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name("create"), 0, 0]),
  ...section(10, [1, 3, 0, 0, 0x0b]),
]);

export default btoa(String.fromCharCode(...bytes));
