/** The script: `window.accredit`, `window.Flow`, and with `data-global="mmob"` on its tag `window.mmob` for pages of an original. */

import { connect } from "./connect.js";
import { attempt } from "./errors.js";
import { createFlow } from "./flow.js";
import { createCalls } from "./init.js";

// An injected <img name="currentScript"> shadows the document's property; it must not say where people's data is posted.
const script = document.currentScript;
const script_origin = attempt(() => script instanceof HTMLScriptElement && new URL(script.src).origin);

const { init, boot } = createCalls(script_origin);

/** Leaves alone what the page has of that name; an element of that id shines through on window, but is nothing of its own. */
function publish(name: string, value: object): void {
  if (Object.hasOwn(window, name)) console.error(`accredit: window.${name} is taken`);
  else (window as unknown as Record<string, unknown>)[name] = value;
}

publish("accredit", { init, boot, connect });
publish("Flow", createFlow(script_origin));
if ((script as HTMLScriptElement | null)?.dataset.global === "mmob") publish("mmob", { init });
