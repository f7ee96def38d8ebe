/** Door "embed" (protocol-embed.md section 2): a deployer's page embeds an application, plainly or with a signed deployment. */

import type { CallOptions, Door } from "./call.js";
import { matches, Refusal } from "./errors.js";
import type { Fields } from "./frame.js";

export interface EmbedFields {
  deployer_id?: string | undefined;
  integration_id?: string | undefined;
  owner_id?: string | undefined;
  view_id?: string | undefined;
  uid?: string | undefined;
  data_passport?: Record<string, string | number | boolean | undefined> | undefined;
  encrypted_passport?: string | undefined;
  signed_deployment?: string | undefined;
}

export type EmbedOptions = EmbedFields & CallOptions<EmbedFields>;

const IDS = ["deployer_id", "integration_id", "owner_id"] as const;
const TEXTS = ["signed_deployment", ...IDS, "view_id", "uid", "encrypted_passport"] as const;

export const embed: Door<EmbedFields> = {
  _name: "embed",
  _form(fields) {
    const form = readTexts(fields);
    checkIds(form, fields as Record<string, unknown>);
    checkUid(fields.uid);
    const { data_passport } = fields;
    if (data_passport != null) form.data_passport = readPassport(data_passport);
    return form;
  },
};

function readTexts(fields: EmbedFields): Fields {
  const form: Fields = {};
  for (const name of TEXTS) {
    const text = String(fields[name] ?? "");
    if (/^\{\{.*\}\}$/s.test(text)) throw new Refusal("placeholder_left", name);
    if (text) form[name] = text;
  }
  return form;
}

function checkIds({ signed_deployment, ...form }: Fields, { cp_id, cp_deployment_id }: Record<string, unknown>): void {
  const missing = IDS.filter((name) => !form[name]);
  if ((cp_id || cp_deployment_id) && (signed_deployment || missing.length < 3)) throw new Refusal("ids_mixed");
  // A token's own ids are the server's to judge; nothing that is read from it here would prove anything.
  if (!signed_deployment && missing[0]) throw new Refusal("ids_missing", missing[0]);
}

/**
 * An empty uid would merge all users. A number may have lost digits, and a lone surrogate would be posted as U+FFFD: both would
 * merge some.
 */
function checkUid(uid: unknown): void {
  if (uid != null && !matches(/^(?!anon_)[^\0-\x1f\x7f-\x9f\ud800-\udfff]{1,256}$/u, uid))
    throw new Refusal("uid_invalid");
}

function readPassport(passport: object): string {
  const text = JSON.stringify(passport);
  // JSON leaves out what is undefined, so that counts as absence.
  const bad = Object.keys(passport).find((key) => {
    const value: unknown = passport[key as never];
    return !/^(str|boo|und)/.test(typeof value) && !Number.isFinite(value);
  });
  if (bad != null || !/^\{/.test(text)) throw new Refusal("passport_value_type", bad);
  return text;
}
