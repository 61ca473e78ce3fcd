// The real clerk-js as a page without a framework has it: one script tag, `window.Clerk`.
const SCRIPT = "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js";

/** The `Clerk` object, not yet loaded. */
export const clerkScript = (publishableKey: string) =>
  new Promise<any>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.dataset.clerkPublishableKey = publishableKey;
    script.dataset.clerkProxyUrl = `${location.origin}/__clerk`;
    script.onload = () => resolve((window as any).Clerk);
    script.onerror = () => reject(new Error("clerk-js did not load"));
    document.head.append(script);
  });

/** A router that goes nowhere; without one Clerk leaves the page after a sign-out. */
export const stay = () => {};
