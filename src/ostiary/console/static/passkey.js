// Carries questions and answers between the server and the browser's passkeys. It decides nothing: whatever is posted
// from here is judged by the server.
const WORDS = {
  NotAllowedError: "That was cancelled, took too long, or the passkey did not recognise you.",
  SecurityError: "Passkeys belong to another address than this page's. Open the console by its own name.",
  AbortError: "That was interrupted.",
};

export class Refused extends Error {}

export const words = (fault) => (fault instanceof Refused ? fault.message : WORDS[fault.name] || "That did not work. Try again.");

export async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), redirect: "error", cache: "no-store" });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const text = told.message || "the server did not answer as it should";
    throw new Refused(`${text[0].toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`);
  }
  return told;
}

export async function proved(options) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Refused("This browser cannot use passkeys. Use a current one.");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

// The ceremony of one decision that asked for a step-up.
export async function confirm(path) {
  const asked = await post(`${path}/options`, {});
  await post(`${path}/answer`, { seal: asked.seal, credential: await proved(asked.get) });
}
