// Stands for the glue: its machine does nothing but trap, through the doors that the loader guards.
export default function makeGlue() {
  let doors: any;
  return {
    Machine: { trap: () => doors.trap() },
    __wbg_set_wasm(exports: object) {
      doors = exports;
    },
  };
}
