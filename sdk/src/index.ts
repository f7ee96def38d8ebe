/** The npm module. It has no script tag to learn Accredit's address from, so that is required here. */

import type { BootFields, BootOptions } from "./boot.js";
import type { EmbedFields, EmbedOptions } from "./embed.js";
import { createFlow, type Flow as OpenFlow, type FlowOptions } from "./flow.js";
import { createCalls } from "./init.js";
import type { Handle } from "./mount.js";

export type { BootFields, BootOptions, CustomerInfo } from "./boot.js";
export { connect, type Connection, type ConnectOptions } from "./connect.js";
export type { EmbedFields, EmbedOptions } from "./embed.js";
export type { FlowError, FlowOptions, FlowSession, FlowStatus, FlowTopics, FlowUi, FlowUser } from "./flow.js";
export { ERRORS, type Code, type Fault } from "./errors.js";
export type { LoadingAsset } from "./loading.js";
export type { Handle, Status } from "./mount.js";

type BootAt = BootOptions & ({ marketplace_url: string } | { base_url: string });

interface Init {
  (options: BootAt): Handle<BootFields>;
  (options: EmbedOptions & { base_url: string }): Handle<EmbedFields>;
}

type FlowAt = new (options: FlowOptions & { baseUrl: string }) => OpenFlow;

const calls = createCalls();
export const init: Init = calls.init;
export const boot: (options: BootAt) => Handle<BootFields> = calls.boot;
export const Flow: FlowAt = createFlow();
export type Flow = OpenFlow;
