// What scenarios ask of a page that shows a list (`board` of pages/ledger.ts), and the claims that Instant needs.

/** Waits until the list shows exactly these texts, to this user; null is nobody. */
export const shows = (scene, userId, ...texts) =>
  scene.sees(([userId, texts]) => {
    const last = window.seen.results.tasks?.at(-1);
    return last?.userId === userId && last.texts.join() === texts.toSorted().join();
  }, [userId, texts]);

/** Everything that the list has shown to this user, in any order. */
export const shown = (scene, userId) =>
  scene.page.evaluate((userId) =>
    window.seen.results.tasks.filter((list) => list.userId === userId).flatMap(({ texts }) => texts), userId);

/** Waits for so many refreshes in the page after now. */
export async function refreshed(scene, count, patienceMs) {
  const before = (await scene.events("token.fetched")).length;
  const wanted = before + count;
  await scene.sees(
    (wanted) => window.seen.events.filter(({ type }) => type === "token.fetched").length >= wanted, wanted, patienceMs);
}

export const EMAIL_CLAIMS = { email: "{{user.primary_email_address}}", email_verified: "{{user.email_verified}}" };
