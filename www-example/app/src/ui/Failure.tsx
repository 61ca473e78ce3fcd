// What went wrong with something the visitor asked for, if anything did.
export function Failure({ words }: { words: string | null }) {
  return words && <p className="failure" role="alert">{words}</p>;
}
