/**
 * The frame and the form that fills it. The frame has no address of its own: the fields travel in the body of a POST, so they
 * are in no address bar, history or referrer.
 */

import type { Style } from "./call.js";

export type Fields = Record<string, string>;

// Without allow-top-navigation and allow-modals the application can neither leave with the page nor block it. With
// allow-same-origin it keeps its own storage; only a frame of the page's very own origin could lift its sandbox by that.
const SANDBOX =
  "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads " +
  "allow-storage-access-by-user-activation";

const UNREACHABLE_MS = 15_000;
const SILENT_MS = 500;

/**
 * Builds an element with these members. A text as `style` goes through the CSSOM, which a Content-Security-Policy does not
 * restrict.
 */
export function build<K extends keyof HTMLElementTagNameMap>(tag: K, members: object): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), members);
}

export function buildFrame(name: string, [title, allow]: Style): HTMLIFrameElement {
  return build("iframe", { style: "display:block;width:100%;height:100%;border:0", name, title, allow, sandbox: SANDBOX });
}

/** Posts `fields` into the frame of that name. */
export function postInto(target: string, action: string, fields: Fields): void {
  const form = build("form", { style: "display:none", method: "post", action, target, acceptCharset: "UTF-8" });
  // Any other type than hidden would change line breaks in the value.
  for (const name in fields) form.append(build("input", { type: "hidden", name, value: fields[name] }));
  document.body.append(form);
  // The prototype's own submit: no field name can shadow it, and no submit listener of the page sees or stops it.
  HTMLFormElement.prototype.submit.call(form);
  form.remove();
}

/**
 * Waits for the frame's first sign of life: `unreachable` after 15 s without a load, `silent` 500 ms after a load that no
 * `hello` came with; without `silent` a load is no sign yet. The returned function ends the wait.
 */
export function awaitLife(frame: HTMLIFrameElement, unreachable: () => void, silent?: () => void): () => void {
  let timer = setTimeout(unreachable, UNREACHABLE_MS);
  frame.onload = () => {
    // Some browsers also tell of the empty document that every frame begins with. Another origin's document reads as null.
    if (!silent || frame.contentDocument?.URL === "about:blank") return;
    clearTimeout(timer);
    timer = setTimeout(silent, SILENT_MS);
  };
  return () => {
    frame.onload = null;
    clearTimeout(timer);
  };
}
