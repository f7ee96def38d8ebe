/** The npm module. It has no script tag to learn Accredit's address from, so `base_url` is required here. */

import { embed, type EmbedFields, type EmbedOptions } from "./embed.js";
import { open, type Handle } from "./mount.js";

export { connect, type Connection, type ConnectOptions } from "./connect.js";
export type { EmbedFields, EmbedOptions } from "./embed.js";
export { ERRORS, type Code, type Fault } from "./errors.js";
export type { LoadingAsset } from "./loading.js";
export type { Handle, Status } from "./mount.js";

export function init(options: EmbedOptions & { base_url: string }): Handle<EmbedFields> {
  return open(embed, options, undefined);
}
