// The shared list of the active organisation, or one's own.
import { useOrganization } from "@clerk/react";
import { useMeasured } from "../measure";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";
import { Connection } from "./Connection";
import { NewTask } from "./NewTask";
import { TaskRow } from "./TaskRow";
import { useTaskChanges, useTaskList } from "./useTasks";

export function Tasks() {
  const { run, failure } = useAction();
  const { add, toggle, remove } = useTaskChanges();
  return (
    <section className="card tasks" aria-labelledby="list-title">
      <header>
        <ListTitle />
        <Connection />
      </header>
      <NewTask onAdd={(text) => run(() => add({ text }))} />
      <Failure words={failure} />
      <TaskList onToggle={(id) => run(() => toggle({ id }))} onRemove={(id) => run(() => remove({ id }))} />
    </section>
  );
}

function ListTitle() {
  const { organization } = useOrganization();
  return <h1 id="list-title">{organization ? organization.name : "Personal"}</h1>;
}

type Rows = Omit<Parameters<typeof TaskRow>[0], "task">;

function TaskList(rows: Rows) {
  const tasks = useTaskList();
  useMeasured(tasks ? "tasks" : "tasks-waiting");
  if (!tasks) {
    return (
      <div aria-busy="true">
        <div className="skeleton" />
        <div className="skeleton" />
      </div>
    );
  }
  const open = tasks.filter((task) => !task.done).length;
  return (
    <>
      <ul className="task-list">
        {/* By position: when a row goes, the focus stays at its place in the list. */}
        {tasks.map((task, position) => (
          <TaskRow key={position} task={task} {...rows} />
        ))}
      </ul>
      <p className="hint" aria-live="polite">
        {tasks.length ? `${open} open, ${tasks.length - open} done` : "Nothing to do. Enjoy it, or add something."}
      </p>
    </>
  );
}
