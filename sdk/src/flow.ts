/**
 * Class `Flow` (protocol-flow.md section 4): a page opens a modal in which its user is verified. The modal is a dialog around a
 * mount, shown when that is ready.
 *
 * What the page hears of it are hints. Whoever needs a fact is told by a webhook, or asks the API.
 */

import { ALLOW, NAME, readBase, readTexts, requireIds, type Origin } from "./call.js";
import { matches, Refusal, refusalOf, report, tell } from "./errors.js";
import { build, type Fields } from "./frame.js";
import { open, type Handle } from "./mount.js";

export interface FlowUser {
  /** The page's own name of its user, unique and for good; a v2 token may name it instead. */
  customerReference?: string | number | null | undefined;
  /** Made by the page's backend: the original's, or a v2 token. */
  signature?: string | null | undefined;
  email?: string | null | undefined;
}

export interface FlowOptions {
  publishableKey: string;
  templateId: string;
  user?: FlowUser | undefined;
  /** Accredit's address; by default the origin that the script came from. */
  baseUrl?: string | undefined;
  locale?: string | null | undefined;
  /** The nonce of the page's Content-Security-Policy. The modal is styled by properties alone, which no policy restricts. */
  nonce?: string | undefined;
  /** Fetches a fresh signature from the page's backend: at each open, and again where a token turns out to have expired. */
  getSignature?: (() => string | PromiseLike<string>) | undefined;
}

export type FlowUi = { topic: "ui"; action: "opened" | "closed" };
export type FlowError = { topic: "error"; message: string; code: string; request_id: string | null };
export type FlowSession =
  | { topic: "session"; action: "created" | "resumed"; data: { id: string } }
  | { topic: "session"; action: "passed" | "failed" };
export type FlowStatus = { topic: "status"; status: "pending_review" | "expired" | "canceled"; data: { id: string } };

/** What `on` takes, and the objects that each topic tells. */
export interface FlowTopics {
  ui: FlowUi;
  error: FlowError;
  errors: FlowError;
  session: FlowSession;
  status: FlowStatus;
  all: FlowUi | FlowError | FlowSession;
}

export interface Flow {
  /** Calls `handler` with each object of the topic from now on; the function that it returns ends that. */
  on<Topic extends keyof FlowTopics>(topic: Topic, handler: (object: FlowTopics[Topic]) => unknown): () => void;
  /** Opens the modal. What is wrong goes to the console and to the topic `errors`; nothing is thrown. */
  open(): void;
  close(): void;
}

export type FlowConstructor = new (options: FlowOptions) => Flow;

type FlowObject = FlowUi | FlowError | FlowSession | FlowStatus;

// A column of the window's height, and on phones all of it. The shadow dims the page around it.
const DIALOG =
  "box-sizing:border-box;padding:44px 0 0;border:0;width:480px;max-width:100%;height:100%;max-height:100%;" +
  "box-shadow:0 0 0 100vmax #0008";
// In the bar above the frame, of which it thus covers nothing.
const BUTTON = "position:absolute;top:0;right:0;width:44px;height:44px;border:0;background:0;font-size:2em";

const SECRET = /^((live|sandbox)_secret_|accredit_(live|sandbox)_)/;
const TEXTS = ["publishableKey", "templateId", "customerReference", "signature", "email", "locale"] as const;

/** The class, for a script of that origin. */
export function createFlow(script_origin?: Origin): FlowConstructor {
  return class implements Flow {
    readonly on: Flow["on"];
    readonly open: () => void;
    readonly close: () => void;

    constructor(options: FlowOptions) {
      const listeners = new Set<[topics: string, handler: (object: never) => unknown]>();
      // There is one from the question for a signature until the end.
      let dialog: HTMLDialogElement | undefined;
      let handle: Handle<object> | undefined;
      let shown = false;
      let renewed: unknown;

      const emit = (object: FlowObject): void => {
        for (const [topics, handler] of listeners) if (topics.includes(object.topic)) tell(handler, object as never);
      };
      const emitError = (refusal: Refusal): void => {
        const { code, request_id } = refusal._fault;
        report(refusal);
        emit({ topic: "error", message: `${code} ${refusal._text}`.trim(), code, request_id });
      };
      const close = (): void => {
        handle?.destroy();
        // Only a dialog that is closed gives the focus back; one that is just removed does not.
        dialog?.close();
        dialog?.remove();
        dialog = undefined;
        if (shown) emit({ topic: "ui", action: "closed" });
        shown = false;
      };
      const fail = (refusal: Refusal): void => {
        if (!dialog) return;
        if (refusal._fault.code === "token_expired" && options.getSignature && !renewed) {
          handle!.destroy();
          renewed = fill(dialog);
          return;
        }
        emitError(refusal);
        close();
      };
      const on_ready = (): void => {
        if (shown || !dialog) return;
        dialog.showModal();
        shown = true;
        emit({ topic: "ui", action: "opened" });
      };
      const on_event = ({ name, detail }: { name: string; detail: unknown }): void => {
        if (!dialog) return;
        if (name === "close") close();
        else if (name === "error") emitError(new Refusal("internal_error", "", detail));
        // The frame is the server's own page, so the objects are as the server made them.
        else emit(detail as FlowObject);
      };
      const fill = async (location: HTMLElement): Promise<void> => {
        try {
          const form = await readForm(options, script_origin);
          if (location !== dialog) return; // It was closed meanwhile.
          const allow = `${ALLOW}; camera *; microphone *`;
          const call = { location, allow, baseUrl: options.baseUrl, on_ready, on_event };
          handle = open<object>(() => ({ _name: "flow", _base: "baseUrl", _form: () => form }), call, script_origin, fail);
        } catch (error) {
          if (location === dialog) fail(refusalOf(error));
        }
      };

      this.on = (topic, handler) => {
        const listener: [string, typeof handler] = [topic === "all" ? "ui error session" : `${topic}`, handler];
        listeners.add(listener);
        return () => void listeners.delete(listener);
      };
      this.close = close;
      this.open = () => {
        if (dialog) return;
        renewed = undefined;
        // What Escape does. The event of the closing itself comes late, when another dialog may be there.
        dialog = build("dialog", { style: DIALOG, ariaLabel: "Verification", lang: "en", oncancel: close });
        dialog.append(build("button", { style: BUTTON, ariaLabel: "Close", textContent: "×", onclick: close }));
        // Beside the body, which frameworks empty and replace.
        document.documentElement.append(dialog);
        void fill(dialog);
      };
    }
  };
}

/** Reads the options as they are now, and asks for a signature. Throws Refusal before anything is posted. */
async function readForm(options: FlowOptions, script_origin: Origin): Promise<Fields> {
  const { getSignature, user } = { ...options };
  const given = { ...options, ...user };
  // What is no signature is posted as one: nobody is let in unsigned by the failure of a backend.
  if (getSignature) given.signature = (await getSignature()) || "-";
  for (const [name, value] of Object.entries(given)) {
    if (!matches(SECRET, value)) continue;
    void reportLeak(readBase(options.baseUrl ?? script_origin, "baseUrl")[0], value);
    throw new Refusal("secret_exposed", name);
  }
  const form = readTexts(given, TEXTS);
  requireIds(form, ["publishableKey", "templateId"]);
  const reference = given.customerReference;
  // An object would be posted as its type, and NaN as a name: both would make one user of many.
  if (reference != null && !matches(NAME, reference === +reference ? `${reference}` : reference))
    throw new Refusal("customer_reference_invalid", "customerReference");
  return form;
}

/** Tells the server the hash of a secret that stands in a page, so that it is revoked; the secret itself stays where it is. */
async function reportLeak(base: string, secret: string): Promise<void> {
  const digest = await crypto.subtle.digest("SHA-256", await new Blob([secret]).arrayBuffer());
  const sha256 = Array.from(new Uint8Array(digest), (octet) => (256 + octet).toString(16).slice(1)).join("");
  navigator.sendBeacon(`${base}/leaks/browser`, JSON.stringify({ sha256 }));
}
