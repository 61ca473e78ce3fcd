// Lets components hand custom properties to the style sheets.
import "react";

declare module "react" {
  interface CSSProperties {
    [property: `--${string}`]: string | number;
  }
}
