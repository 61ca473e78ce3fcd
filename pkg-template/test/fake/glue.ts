// Stands for the glue: its machine does nothing but trap, through the door that the loader guards.
export default function makeGlue() {
  let instance: any;
  return {
    Machine: { trap: () => instance.trap() },
    start(exports: object) {
      instance = exports;
    },
  };
}
