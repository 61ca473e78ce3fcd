// A choice that outlives the page. Blocked storage only makes it forgotten.
import { useState } from "react";

export function useKept(key: string, usual: string) {
  const [value, setValue] = useState(() => {
    try {
      return localStorage.getItem(key) ?? usual;
    } catch {
      return usual;
    }
  });
  const choose = (next: string) => {
    setValue(next);
    try {
      localStorage.setItem(key, next);
    } catch {
      // It holds until the page is closed.
    }
  };
  return [value, choose] as const;
}
