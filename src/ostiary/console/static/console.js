// What every page does: theme, menu, palette, keys, times in the viewer's zone, copying. Text is only ever set as text.
import "./deeds.js";
import "./needs.js";
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const root = document.documentElement;

// Theme: the system's, until somebody chooses.
const kept = localStorage.getItem("theme");
if (kept === "light" || kept === "dark") root.dataset.theme = kept;
const isDark = () => getComputedStyle(root).colorScheme === "dark" ||
  (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("theme"));
}

// Times: written by the server in UTC, shown in the viewer's zone, UTC when pointed at.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export function localTimes(within = document) {
  for (const time of $$("time[datetime]:not([title])", within)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.title = `${time.dateTime.replace("T", " ").replace("Z", "")} UTC`;
    time.textContent = (time.closest("td") && at.getFullYear() === new Date().getFullYear() ? short : format).format(at);
  }
}

export function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  $("#says")?.append(line);
  setTimeout(() => line.remove(), 4000);
}

async function copy(button) {
  const text = button.dataset.copy ?? $("code", button.parentElement)?.textContent ?? "";
  await navigator.clipboard.writeText(text);
  say("Copied");
}

// The palette: every page of the navigation, and what a page adds.
const palette = $("#palette");
function fillPalette(filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const list = $("ul", palette);
  const found = $$("[data-command]").filter((link) => words.every((word) => link.dataset.command.toLowerCase().includes(word)));
  list.replaceChildren(...found.map((link, index) => {
    const row = document.createElement("li");
    row.id = `command-${index}`;
    row.role = "option";
    row.ariaSelected = String(index === 0);
    row.textContent = link.dataset.command;
    row.addEventListener("click", () => { palette.close(); link.click(); });
    if (link.dataset.keys) {
      const keys = document.createElement("small");
      keys.textContent = link.dataset.keys;
      row.append(keys);
    }
    return row;
  }));
  $("input", palette).setAttribute("aria-activedescendant", found.length ? "command-0" : "");
}
function movePalette(by) {
  const rows = $$("li", palette);
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.ariaSelected === "true");
  const next = (now + by + rows.length) % rows.length;
  rows.forEach((row, index) => { row.ariaSelected = String(index === next); });
  rows[next].scrollIntoView({ block: "nearest" });
  $("input", palette).setAttribute("aria-activedescendant", rows[next].id);
}
export function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  const input = $("input", palette);
  input.value = "";
  fillPalette("");
}
if (palette) {
  $("input", palette).addEventListener("input", (event) => fillPalette(event.target.value));
  palette.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); movePalette(by); }
    if (event.key === "Enter") { event.preventDefault(); $("li[aria-selected=true]", palette)?.click(); }
  });
}

// Rows by keyboard: j and k move, Enter opens.
function moveRow(by) {
  const rows = $$("tbody tr[data-href]");
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.ariaSelected === "true");
  const next = Math.min(rows.length - 1, Math.max(0, now + by));
  rows.forEach((row, index) => { row.ariaSelected = index === next ? "true" : null; });
  rows[next].scrollIntoView({ block: "nearest" });
}
function openRow() {
  const row = $("tbody tr[aria-selected=true]");
  if (row) location.assign(row.dataset.href);
}

let before = "";
document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
  const gone = before === "g" && $(`[data-keys="g ${CSS.escape(event.key)}"]`);
  before = event.key;
  if (gone) { gone.click(); return; }
  if (event.key === "Escape" && $(".nav[data-open]")) { toggleMenu(); $("[data-act=menu]").focus(); return; }
  const act = { "/": () => $("[data-search]")?.focus(), "?": () => $("#keys")?.showModal(), j: () => moveRow(1), k: () => moveRow(-1), Enter: openRow, t: toggleTheme, p: $("[data-keys=p]") && (() => $("[data-keys=p]").click()) }[event.key];
  if (act && !(event.key === "Enter" && event.target.closest("a, button"))) { event.preventDefault(); act(); }
});

// The menu of a narrow page lies before its button: whoever opens it is led into it, and back by Escape.
function toggleMenu() {
  const open = $(".nav").toggleAttribute("data-open");
  $("[data-act=menu]").setAttribute("aria-expanded", String(open));
  if (open) $(".nav a").focus();
}

const acts = { copy, theme: toggleTheme, palette: openPalette, menu: toggleMenu, close: (button) => button.closest("dialog").close(), open: (button) => $(`#${CSS.escape(button.dataset.open)}`)?.showModal() };
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) acts[button.dataset.act]?.(button);
  else if (!event.target.closest(".nav") && $(".nav[data-open]")) toggleMenu();
});
document.addEventListener("htmx:after:swap", () => localTimes());
localTimes();
