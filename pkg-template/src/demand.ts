// What a call must be given. Only for calls that could never work: they throw at once and name the field.
import { BridgeError } from "./errors.js";

/** @internal */
export const demand = (fits: unknown, field: string, wanted: string): void => {
  if (!fits) throw new BridgeError("ERR_OPTIONS", `\`${field}\` must be ${wanted}.`);
};

/** @internal */
export const hasMethods = (it: any, ...names: string[]): boolean =>
  names.every((name) => typeof it?.[name] === "function");

/** @internal The option that every kind of backend has. */
export const demandTemplate = (template: unknown): void =>
  demand(template == null || typeof template === "string", "template", "a string or null");
