// Makes key pairs for sealed answers with WebCrypto (protocol-rest.md section 16). The private half stays in this page's memory.

const RSA = [["RSA-OAEP", "SHA-1"], ["RSA-OAEP-256", "SHA-256"]];
const AGREEMENT = [["ECDH-ES"], ["ECDH-ES+A256KW"]];
const rsa = (bits) => ({ label: `RSA, ${bits} bits`, bits, algs: RSA });
const curve = (name) => ({ label: `EC, ${name}`, curve: name, algs: AGREEMENT });
const KINDS = {
  "rsa-2048": rsa(2048),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
  "p-256": curve("P-256"),
  "p-384": curve("P-384"),
  "p-521": curve("P-521"),
  x25519: { label: "OKP, X25519", curve: "X25519", algs: AGREEMENT },
};
// RFC 7638 section 3.2 and RFC 8037 section 2: the members that the thumbprint is of, in their order.
const IDENTIFYING = { RSA: ["e", "kty", "n"], EC: ["crv", "kty", "x", "y"], OKP: ["crv", "kty", "x"] };
const PUBLIC = ["kty", "crv", "n", "e", "x", "y", "use", "alg", "kid"];

const find = (id) => document.getElementById(id);
const made = {};

async function makePair(kind, hash) {
  if (kind.bits) {
    const publicExponent = new Uint8Array([1, 0, 1]);
    return crypto.subtle.generateKey({ name: "RSA-OAEP", modulusLength: kind.bits, publicExponent, hash }, true, ["encrypt", "decrypt"]);
  }
  const name = kind.curve === "X25519" ? { name: "X25519" } : { name: "ECDH", namedCurve: kind.curve };
  return crypto.subtle.generateKey(name, true, ["deriveBits"]);
}

async function thumbprintOf(jwk) {
  const members = Object.fromEntries(IDENTIFYING[jwk.kty].map((name) => [name, jwk[name]]));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(members)));
  return btoa(String.fromCharCode(...new Uint8Array(digest))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function make(kind, [alg, hash], choice) {
  const pair = await makePair(kind, hash);
  // What browsers write beside the key, key_ops and ext, is left out.
  const { key_ops: _operations, ext: _extractable, ...exported } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  const thumbprint = await thumbprintOf(exported);
  const kid = choice === null ? {} : { kid: choice === "" ? thumbprint : choice };
  const secret = { ...exported, use: "enc", alg, ...kid };
  const open = Object.fromEntries(PUBLIC.filter((name) => name in secret).map((name) => [name, secret[name]]));
  const written = (value) => JSON.stringify(value, null, 2);
  const member = written({ encryptionPublicKey: open }).slice(2, -2).replaceAll(/^ {2}/gm, "");
  Object.assign(made, { private: written(secret), public: written(open), member, thumbprint });
}

function show() {
  for (const id of ["private", "public", "member", "thumbprint"]) find(id).textContent = made[id];
  find("made").hidden = false;
  find("made-title").focus();
}

function say(text) {
  find("told").textContent = text;
}

function kidChoice() {
  const chosen = document.querySelector("input[name=kid]:checked").value;
  return { thumbprint: "", none: null, own: find("kid").value }[chosen];
}

function kidFault(choice) {
  const own = document.querySelector("input[name=kid]:checked").value === "own";
  // Code points, as the server counts; controls are refused there too.
  if (own && (choice === "" || [...choice].length > 256)) return "The key id must have 1 to 256 characters.";
  return own && /[\u0000-\u001f\u007f-\u009f]/.test(choice) ? "The key id must not hold control characters." : "";
}

async function submit(event) {
  event.preventDefault();
  const choice = kidChoice();
  const fault = kidFault(choice);
  find("kid").setAttribute("aria-invalid", String(fault !== ""));
  if (fault) {
    say(fault);
    find("kid").focus();
    return;
  }
  find("make").disabled = true;
  find("made").hidden = true;
  say("Making the pair…");
  const kind = KINDS[find("kind").value];
  try {
    await make(kind, kind.algs.find(([alg]) => alg === find("alg").value), choice);
    say("The pair is made.");
    show();
  } catch {
    say("This browser cannot make such a key. Choose another.");
  }
  find("make").disabled = false;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([made.private + "\n"], { type: "application/json" }));
  link.download = `accredit-${made.thumbprint.slice(0, 8)}.private.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copy(what) {
  try {
    await navigator.clipboard.writeText(made[what]);
    say("Copied.");
  } catch {
    // Without the permission the text is selected, so that the reader's own keys copy it.
    find(what).closest("details")?.setAttribute("open", "");
    getSelection().selectAllChildren(find(what));
    say("Selected; copy it with your keyboard or menu.");
  }
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
}

function offerAlgorithms() {
  fill(find("alg"), KINDS[find("kind").value].algs.map(([alg]) => [alg, alg]));
}

async function can(kind) {
  try {
    await makePair(kind);
    return true;
  } catch {
    return false;
  }
}

async function begin() {
  find("unscripted").hidden = true;
  if (!globalThis.crypto?.subtle) {
    find("unable").hidden = false;
    return;
  }
  if (!(await can(KINDS.x25519))) delete KINDS.x25519;
  fill(find("kind"), Object.entries(KINDS).map(([value, kind]) => [value, kind.label]));
  offerAlgorithms();
  find("kind").addEventListener("change", offerAlgorithms);
  for (const radio of document.querySelectorAll("input[name=kid]")) {
    radio.addEventListener("change", () => { find("own").hidden = radio.value !== "own"; });
  }
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));
  find("save").addEventListener("click", save);
  find("wanted").addEventListener("submit", submit);
  find("wanted").hidden = false;
}

begin();
