// The first thing a page evaluates: when its script began.
export const began = performance.now();
