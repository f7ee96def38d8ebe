/** The script: `window.accredit`, and with `data-global="mmob"` on its tag `window.mmob` for pages written for the original. */

import { connect } from "./connect.js";
import { createCalls } from "./init.js";

// An injected <img name="currentScript"> shadows the document's property; it must not say where people's data is posted.
const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : undefined;
const script_origin = script?.src ? new URL(script.src).origin : undefined;

const { init, boot } = createCalls(script_origin);

/** Leaves alone what the page has of that name; an element of that id shines through on window, but is nothing of its own. */
function publish(name: string, value: object): void {
  const own = Object.prototype.hasOwnProperty.call(window, name);
  if (own) console.error(`accredit: window.${name} is taken`);
  else Object.assign(window, { [name]: value });
}

publish("accredit", { init, boot, connect });
if (script?.dataset.global === "mmob") publish("mmob", { init });
