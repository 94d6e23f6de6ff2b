// The live list. Rows come as values and are made here as elements and text: no name in them can be markup. The list holds
// so many rows and no more; a row that is there already is not added again; filters are the address's and stay.
import { localTimes } from "./console.js";
import { needs } from "./needs.js";

const MOST = 500;
const WORDS = { ALLOW: "Allowed", REDUCE: "Reduced", STEP_UP: "Step-up", DENY: "Denied", TERMINATE: "Ended" };
const table = document.getElementById("decisions");
const body = table.tBodies[0];
const state = document.getElementById("live");
const pause = document.getElementById("pause");
const behind = document.getElementById("behind");
const filters = JSON.parse(table.dataset.filters);
let newest = Number(table.dataset.after);
let source = null;
let waiting = 0;

const clean = (text) => [...text].map((char) => (/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Co}|\p{Cn}/u.test(char) ? "\ufffd" : char)).slice(0, 300).join("");

function make(tag, told = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(told)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

function link(name, value, inside, kind = "cell") {
  if (!value) return "";
  const query = new URLSearchParams({ ...filters, [name]: value });
  return make("a", { class: kind, href: `/decisions?${query}` }, inside);
}

function row(one) {
  const own = new URLSearchParams(filters).toString();
  const href = `/decisions/${encodeURIComponent(one.id)}${own ? `?${own}` : ""}`;
  const cells = [
    make("a", { class: "cell", href }, make("time", { datetime: one.time }, one.time)),
    link("effect", one.effect, make("span", { class: "effect", "data-effect": one.effect }, WORDS[one.effect] ?? one.effect), "plain"),
    link("subject", one.subject, make("bdi", {}, clean(one.subject))),
    link("action", one.action, make("bdi", {}, clean(one.action))),
    link("resource_id", one.resource_id, make("bdi", {}, clean(`${one.resource_type} ${one.resource_id}`))),
    one.rule ? link("rule", one.rule, make("code", {}, clean(one.rule))) : make("span", { class: "soft" }, make("code", {}, clean(one.reasons[0] ?? ""))),
    one.risk === null ? "" : one.risk.toFixed(2),
    link("pep", one.pep, make("bdi", {}, clean(one.pep))),
  ];
  const line = make("tr", { "data-href": href, "data-index": one.index }, ...cells.map((cell) => make("td", {}, cell)));
  line.cells[6].className = "number";
  return line;
}

function say(kind, text) {
  state.dataset.state = kind;
  state.textContent = text;
}

function tell(text) {
  behind.hidden = !text;
  behind.querySelector("span").textContent = text;
}

function add(rows) {
  const fresh = rows.filter((one) => one.index > newest);
  if (!fresh.length) return;
  newest = fresh.at(-1).index;
  const made = fresh.slice(-MOST).reverse().map(row);
  body.prepend(...made);
  localTimes(body);
  while (body.rows.length > MOST) body.rows[body.rows.length - 1].remove();
  document.querySelector(".empty")?.remove();
}

function begin() {
  const url = new URL(table.dataset.live, location.href);
  url.searchParams.set("after", newest);
  source = new EventSource(url);
  say("wait", "connecting");
  source.addEventListener("hello", () => say("live", "live"));
  source.addEventListener("beat", () => say("live", "live"));
  source.addEventListener("decisions", (event) => { say("live", "live"); add(JSON.parse(event.data)); });
  source.addEventListener("needs", (event) => needs(JSON.parse(event.data)));
  source.addEventListener("gap", () => { stop(); say("lost", "stopped"); tell("More has happened since than this list can catch up with."); });
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => { say("lost", "reconnecting"); if (source?.readyState === EventSource.CLOSED) again(); });
}

function stop() {
  source?.close();
  source = null;
  clearTimeout(waiting);
}

// A browser gives up on an answer that is no stream, such as 503 of a server that is about to end.
function again() {
  stop();
  waiting = setTimeout(begin, 1000 + Math.random() * 2000);
}

if (state) {
  pause.addEventListener("click", () => {
    const paused = source !== null || waiting !== 0;
    pause.setAttribute("aria-pressed", String(paused));
    pause.querySelector("span").textContent = paused ? "Go on" : "Pause";
    if (paused) { stop(); waiting = 0; say("wait", "paused"); } else begin();
  });
  begin();
}
