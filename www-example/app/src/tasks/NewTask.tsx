// The line in which a task is written. What could not be added stands there again.
import { type FormEvent, useState } from "react";

export function NewTask({ onAdd }: { onAdd: (text: string) => Promise<boolean> }) {
  const [text, setText] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words) return;
    setText("");
    if (!(await onAdd(words))) setText((newer) => newer || words);
  };
  return (
    <form className="new-task" onSubmit={submit}>
      <input
        aria-label="New task"
        placeholder="What’s next?"
        value={text}
        maxLength={200}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
      <button className="button primary" disabled={!text.trim()}>
        Add
      </button>
    </form>
  );
}
