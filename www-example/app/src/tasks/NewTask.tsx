// The line in which a task is written.
import { type FormEvent, useState } from "react";

export function NewTask({ onAdd }: { onAdd: (text: string) => void }) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words) return;
    setText("");
    onAdd(words);
  };
  return (
    <form className="new-task" onSubmit={submit}>
      <input
        aria-label="New task"
        placeholder="What has to be done?"
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
