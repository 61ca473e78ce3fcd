// One task: tick it, or take it off the list.
import type { Task } from "../api";
import { personOf } from "../local/people";
import { isDraft } from "./useTasks";

interface Props {
  task: Task;
  onToggle: (id: Task["_id"]) => void;
  onRemove: (id: Task["_id"]) => void;
}

export function TaskRow({ task, onToggle, onRemove }: Props) {
  const { _id, text, done, writtenBy } = task;
  const author = personOf(writtenBy)?.name.split(" ")[0];
  return (
    <li className="task" data-draft={isDraft(task)}>
      <label>
        <input type="checkbox" checked={done} disabled={isDraft(task)} onChange={() => onToggle(_id)} />
        <span>{text}</span>
      </label>
      {author && <small>{author}</small>}
      <button className="icon-button" disabled={isDraft(task)} aria-label={`Remove “${text}”`} onClick={() => onRemove(_id)}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="m6 6 8 8M14 6l-8 8" />
        </svg>
      </button>
    </li>
  );
}
