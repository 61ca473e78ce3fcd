// What fails while it is drawn is replaced by its words and a way to try again; the rest of the page goes on.
import { Component, type ReactNode } from "react";
import { wordsOf } from "./words";

interface Props {
  /** Where the words stand. */
  frame: (failure: ReactNode) => ReactNode;
  children: ReactNode;
}

export class Boundary extends Component<Props, { failure: string | null }> {
  override state = { failure: null };

  static getDerivedStateFromError(error: unknown) {
    return { failure: wordsOf(error) };
  }

  override render() {
    const { frame, children } = this.props;
    const { failure } = this.state;
    if (failure === null) return children;
    return frame(
      <p className="failure" role="alert">
        {failure}{" "}
        <button className="button small" onClick={() => this.setState({ failure: null })}>
          Try again
        </button>
      </p>,
    );
  }
}
