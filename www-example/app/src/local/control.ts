// The stand-in's control endpoint.
const read = async <T>(answer: Response): Promise<T> => {
  if (!answer.ok) throw new Error(`The control endpoint answered ${answer.status}.`);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
};

/** Change something; what is answered depends on the command. */
export const post = async <T = unknown>(command: string, body: unknown = {}) =>
  read<T>(await fetch(`/__control/${command}`, { method: "POST", body: JSON.stringify(body) }));

export const get = async <T>(what: string) => read<T>(await fetch(`/__control/${what}`));
