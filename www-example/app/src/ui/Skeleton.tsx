// The place of lines that are on their way.
export function Skeleton() {
  return (
    <div aria-busy="true">
      <div className="skeleton" />
      <div className="skeleton" />
      <div className="skeleton" />
    </div>
  );
}
