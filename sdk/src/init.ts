/** The calls that mount a frame: `init` for both doors, as its ids say which one is meant, and `boot` for that door alone. */

import { boot, type BootFields, type BootOptions } from "./boot.js";
import type { CallOptions, Origin } from "./call.js";
import { embed, type EmbedFields, type EmbedOptions } from "./embed.js";
import { open, type Handle } from "./mount.js";

export interface Calls {
  init: {
    (options: BootOptions): Handle<BootFields>;
    (options: EmbedOptions): Handle<EmbedFields>;
  };
  boot(options: BootOptions): Handle<BootFields>;
}

export function createCalls(script_origin?: Origin): Calls {
  return {
    init: (options: CallOptions<object>) => open<object>(chooseDoor, options, script_origin),
    boot: (options) => open(() => boot, options, script_origin),
  };
}

function chooseDoor({ cp_id, cp_deployment_id }: Partial<BootFields>) {
  return cp_id || cp_deployment_id ? boot : embed;
}
