// Tells Ostiary how somebody types, moves the pointer and works, never what: see "Collect behaviour in a browser".
//
// - Of a key: when it went down and up, and which of few kinds it is; letters are one kind. Which key it was is known
//   here while it is down and never sent. Fields for secrets, and all in [data-ostiary-ignore], are not listened to.
// - Of the pointer: steps, never a place. Of the application: the verb and route template that it hands over.
// - Nothing is read of address, title, text, cookies or storage. Nothing is sent before somebody agreed.
// - It never throws into the page, blocks no event, and gives up rather than get in the way.

const MOST = { keystroke: 50, pointer: 128, sequence: 50 };
const LEAST = { keystroke: 4, pointer: 8, sequence: 1 };
const QUIET_MS = 5000;
const LONGEST_MS = 60000;
const MOST_WAITING = 8;
const MOST_PAUSE_MS = 60000;
const LONGEST_HOLD_MS = 10000;
const SECRET = /\b(?:one-time-code|cc-[a-z-]+|(?:new|current)-password)\b/;
const NAMED = /pass|pwd|secret|token|otp|cvc|cvv|iban|\bpin\b/i;
const TEMPLATE = /^\/(?:(?:v\d{1,2}|[a-z][a-z_-]{0,31}|\{[a-z_]{0,31}\})(?:\/(?!$)|$)){0,12}$/;
const KINDS = { Space: 3, Enter: 4, NumpadEnter: 4, Backspace: 5, CapsLock: 7 };
const PASSIVE = { passive: true, capture: true };
const WATCHED = {
  keydown: onDown,
  keyup: onUp,
  pointermove: onPointer,
  pointerdown: onPointer,
  pointerup: onPointer,
  wheel: onWheel,
  focusin: onFocus,
  blur: onBlur,
};

let run = null; // all that there is of one start, so that nothing of it outlives its stop

// What a page calls.

export async function start(options) {
  try {
    await stop();
    if (!options || options.consent !== true) return false;
    const mine = (run = await begin(options));
    if (!(await agree(mine)) || !(await open(mine)) || run !== mine) {
      if (run === mine) await stop();
      return false;
    }
    for (const name in WATCHED) addEventListener(name, WATCHED[name], PASSIVE);
    document.addEventListener("visibilitychange", onHidden, PASSIVE);
    addEventListener("pagehide", onHidden, PASSIVE);
    return true;
  } catch {
    if (run) await stop();
    return false;
  }
}

export async function stop() {
  for (const name in WATCHED) removeEventListener(name, WATCHED[name], PASSIVE);
  document.removeEventListener("visibilitychange", onHidden, PASSIVE);
  removeEventListener("pagehide", onHidden, PASSIVE);
  const mine = run;
  run = null;
  if (mine) clearTimeout(mine.timer), clearTimeout(mine.retry);
}

// consent(false) sends nothing more and lets the server erase all; consent(true) says that somebody agreed.
export async function consent(given, options = run && run.options) {
  const own = run;
  try {
    if (given === true) return await start({ ...options, consent: true });
    await stop();
    return (await ask(own || (await begin(options)), "DELETE", "consent")).status === 200;
  } catch {
    return false;
  }
}

// What the application did: record("GET", "/orders/{id}", "order"). What is no template is not taken.
export function record(verb, template, kind = "") {
  try {
    if (!run || !/^[A-Z]{1,10}$/.test(verb) || !TEMPLATE.test(template) || !/^(?:[a-z][a-z_-]{0,31})?$/.test(kind)) return false;
    const now = performance.now();
    add("sequence", now, kind ? `${verb} ${template} ${kind}` : `${verb} ${template}`, now, true);
    return true;
  } catch {
    return false;
  }
}

async function begin(options) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", options.key.publicKey);
  return {
    options,
    jwk: { kty, crv, x, y },
    base: options.endpoint.replace(/\/$/, ""),
    windows: { keystroke: fresh(), pointer: fresh(), sequence: fresh() },
    waiting: [],
    held: new Map(),
    secrets: new WeakSet(),
    failures: 0,
    offset: 0,
  };
}

// What is seen. Every listener is passive and swallows its own mistakes.

function kindOf(code) {
  if (/^Key[A-Z]$/.test(code)) return 1;
  if (/^(?:Digit|Numpad)\d$/.test(code)) return 6;
  return KINDS[code] || (/^(?:Shift|Control|Alt|Meta)/.test(code) ? 7 : 8);
}

// Whether an event belongs to something whose typing is nobody's business.
function isSecret(event) {
  const path = event.composedPath();
  const target = path[0];
  if (!(target instanceof Element)) return false;
  if (isIgnored(path)) return true;
  if (target.localName.includes("-") && !target.isContentEditable) return true; // a closed tree: what is in it?
  if (target.type === "password") run.secrets.add(target); // and stays one when the page shows what was typed
  const told = (name) => target.getAttribute(name) || "";
  return run.secrets.has(target) || SECRET.test(told("autocomplete")) || NAMED.test(`${told("name")} ${target.id}`);
}

function isIgnored(path) {
  return path.some((one) => one instanceof Element && one.hasAttribute("data-ostiary-ignore"));
}

function onDown(event) {
  try {
    if (!run || event.repeat || event.isComposing || !event.code || isSecret(event)) return;
    const key = { down: event.timeStamp, kind: kindOf(event.code), trusted: event.isTrusted };
    run.held.set(event.code, key); // until it is up: without its name the two could not be told to belong together
  } catch {}
}

function onUp(event) {
  try {
    if (!run) return;
    const key = run.held.get(event.code);
    run.held.delete(event.code);
    if (!key || isSecret(event) || event.timeStamp - key.down > LONGEST_HOLD_MS) return;
    const up = Math.max(event.timeStamp, key.down);
    add("keystroke", key.down, [key.down, up, key.kind], up, key.trusted && event.isTrusted);
  } catch {}
}

function onPointer(event) {
  try {
    if (run && event.pointerType === "mouse") step(event, 0);
  } catch {}
}

function onWheel(event) {
  try {
    if (run && event.deltaY) step(event, event.deltaY < 0 ? 8 : 16, true);
  } catch {}
}

// A step from where the pointer was last, in CSS pixels: device pixels divided by devicePixelRatio.
function step(event, wheel, still) {
  if (isIgnored(event.composedPath())) return void (run.last = null); // nor is the step out of it told
  const last = run.last;
  const { clientX, clientY, timeStamp, buttons } = event;
  const across = last && !still ? Math.round(clientX - last.x) : 0;
  const along = last && !still ? Math.round(clientY - last.y) : 0;
  if (!still) run.last = last ? { x: last.x + across, y: last.y + along } : { x: clientX, y: clientY };
  const held = (buttons & 7) | (buttons & 24 ? 32 : 0);
  const far = Math.abs(across) > 4096 || Math.abs(along) > 4096;
  if (!far) add("pointer", timeStamp, [timeStamp, across, along, held | wheel], timeStamp, event.isTrusted);
}

// Into a field for a secret: the window before ends here, so that nobody learns how long it took.
function onFocus(event) {
  try {
    if (run && isSecret(event)) onBlur();
  } catch {}
}

function onBlur() {
  try {
    if (!run) return;
    flush("keystroke");
  } catch {}
}

function onHidden() {
  try {
    if (!run || document.visibilityState === "visible") return;
    run.last = null;
    for (const modality in MOST) flush(modality);
  } catch {}
}

// Windows.

function fresh() {
  return { events: [], untrusted: 0 };
}

function add(modality, began, event, ended, trusted) {
  const found = run.windows[modality];
  if (found.events.length && ended - found.began > LONGEST_MS) flush(modality);
  const window = run.windows[modality];
  if (!window.events.length) window.began = began;
  window.began = Math.min(window.began, began);
  window.ended = Math.max(window.ended || 0, ended);
  window.events.push(event);
  window.untrusted += trusted ? 0 : 1;
  if (window.events.length >= MOST[modality]) return flush(modality);
  if (!run.timer) run.timer = setTimeout(quiet, QUIET_MS);
}

// One timer for all: what had no event for five seconds is sent.
function quiet() {
  try {
    run.timer = 0;
    const now = performance.now();
    let left = Infinity;
    for (const modality in MOST) {
      const { events, ended } = run.windows[modality];
      if (events.length && now - ended >= QUIET_MS - 50) flush(modality);
      else if (events.length) left = Math.min(left, ended + QUIET_MS - now);
    }
    if (left < Infinity) run.timer = setTimeout(quiet, left);
  } catch {}
}

function flush(modality) {
  const { events, untrusted, began, ended } = run.windows[modality];
  run.windows[modality] = fresh();
  if (modality === "keystroke") run.held.clear(); // a key that is down still would belong to two windows
  if (events.length < LEAST[modality] || began < run.opened) return;
  run.waiting.push({ modality, began, ended, untrusted, events: neutral(modality, events, began) });
  if (run.waiting.length > MOST_WAITING) run.waiting.shift(), (run.sequence += 1); // a gap, and it shows
  send(run);
}

function neutral(modality, events, began) {
  const ms = (time) => Math.round(time - began);
  if (modality === "keystroke") {
    return events.sort((a, b) => a[0] - b[0]).map(([down, up, kind]) => [ms(down), ms(up), kind]);
  }
  if (modality === "pointer") {
    let last = ms(events[0][0]);
    return events.map(([time, ...rest]) => [-last + (last = Math.max(last, ms(time))), ...rest]);
  }
  return events;
}

// Sending: one window after the other, each with the nonce that the answer before brought.

async function send(mine) {
  if (mine.busy || mine.retry) return;
  mine.busy = true;
  try {
    while (run === mine && mine.waiting.length && !mine.retry) await sendOne(mine);
  } catch {
    later(mine, 0);
  } finally {
    mine.busy = false;
  }
}

async function sendOne(mine) {
  if (!mine.nonce && !(await open(mine))) return;
  const window = mine.waiting.shift();
  if (!window) return;
  const { began, ended, ...rest } = window;
  const { stream, nonce, sequence, opened, options } = mine;
  const body = { stream, nonce, sequence, began: Math.round(began - opened), lasted: Math.ceil(ended - began), ...rest };
  if (options.session) body.session = options.session;
  const { status, told, wait } = await ask(mine, "POST", "windows", body);
  if (status === 429) mine.waiting.unshift(window);
  else Object.assign(mine, { nonce: told.nonce || "", sequence: sequence + 1 }); // without a nonce: open a stream anew
  if (status < 300) mine.failures = 0;
  else if (status === 403) run === mine && stop();
  else if (status === 429 || status === 401 || status >= 500) later(mine, wait);
}

function later(mine, wait) {
  mine.failures += 1;
  const pause = Math.max(wait * 1000, Math.min(MOST_PAUSE_MS, 500 * 2 ** mine.failures));
  mine.retry = setTimeout(() => ((mine.retry = 0), run === mine && send(mine)), pause);
}

async function agree(mine) {
  const { text } = mine.options;
  return (await ask(mine, "PUT", "consent", text ? { text } : {})).status === 200;
}

async function open(mine) {
  const { session } = mine.options;
  const { status, told, wait } = await ask(mine, "POST", "streams", session ? { session } : {});
  if (status === 403) run === mine && stop();
  else if (status !== 201) later(mine, wait);
  if (status !== 201) return false;
  const opened = performance.now();
  Object.assign(mine, { stream: told.stream, nonce: told.nonce, sequence: 1, opened });
  mine.waiting = mine.waiting.filter(({ began }) => began >= opened); // what was before could be from anywhere
  return true;
}

async function ask(mine, method, what, body, again = true) {
  const url = `${mine.base}/${what}`;
  const { token, getToken } = mine.options;
  const bearer = token || (await getToken());
  const text = body && JSON.stringify(body);
  const headers = { authorization: `DPoP ${bearer}`, dpop: await proof(mine, method, url, bearer, text) };
  if (text) headers["content-type"] = "application/json";
  const answer = await fetch(url, {
    method,
    headers,
    body: text,
    cache: "no-store",
    credentials: "omit",
    keepalive: document.visibilityState === "hidden",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  const told = await answer.json().catch(() => ({}));
  const nonce = answer.headers.get("dpop-nonce");
  if (answer.status === 401 && again && (nonce || told.now)) {
    mine.dpopNonce = nonce || mine.dpopNonce;
    mine.offset = told.now ? told.now - Date.now() / 1000 : mine.offset;
    return ask(mine, method, what, body, false);
  }
  return { status: answer.status, told, wait: Number(answer.headers.get("retry-after")) || 0 };
}

// RFC 9449, with the body's SHA-256: the key that the session's token is bound to says just this.
async function proof({ options, jwk, offset, dpopNonce }, htm, htu, token, body) {
  const claims = { jti: crypto.randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000 + offset), ath: await hash(token) };
  if (dpopNonce) claims.nonce = dpopNonce;
  if (body) claims.body_sha256 = await hash(body);
  const parts = [{ typ: "dpop+jwt", alg: "ES256", jwk }, claims].map((one) => b64(bytes(JSON.stringify(one))));
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, options.key.privateKey, bytes(parts.join(".")));
  return `${parts.join(".")}.${b64(new Uint8Array(signed))}`;
}

async function hash(text) {
  return b64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(text))));
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function b64(raw) {
  return btoa(String.fromCharCode(...raw)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
