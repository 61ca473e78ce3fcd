// Signing out, the way the chosen provider wants it: the bridge detaches its backends first.
import { createContext, useContext } from "react";

export const SignOutContext = createContext<() => Promise<void>>(async () => {});

export const useSignOut = () => useContext(SignOutContext);
