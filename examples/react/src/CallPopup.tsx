// <call-popup> as a component. React 19 sets properties of custom elements, so the client is
// passed as it is; an older React needs a ref and an effect for it.

import "callpop/element";
import type { CallPopup as CallPopupElement, CallSource } from "callpop/element";
import type { DetailedHTMLProps, HTMLAttributes } from "react";

export interface CallPopupProps {
  /** Whose calls to show; its connection stays the caller's. */
  readonly client: CallSource;
  /** The corner in which it floats; without one, it stands where it is put. */
  readonly placement?: "bottom-right" | "bottom-left" | "top-right" | "top-left";
  readonly theme?: "light" | "dark";
  readonly lang?: string;
  /** Names it for screen readers. */
  readonly label?: string;
}

export function CallPopup(props: CallPopupProps) {
  return <call-popup {...props} />;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "call-popup": DetailedHTMLProps<HTMLAttributes<CallPopupElement>, CallPopupElement> &
        CallPopupProps;
    }
  }
}
