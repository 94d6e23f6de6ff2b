// The numbers beside entries of the menu, as they change while a page is looked at: one stream a tab, and none for a tab
// that nobody sees, since a browser has few connections for one server.
const AGAIN_MS = 30_000;
let source = null;
let waiting = 0;

export function needs(told) {
  for (const link of document.querySelectorAll(".nav li a")) {
    const count = told[link.getAttribute("href")] ?? 0;
    let badge = link.querySelector(".count");
    if (!count) { badge?.remove(); continue; }
    if (!badge) {
      badge = document.createElement("span");
      badge.className = "count";
      link.append(badge);
    }
    const words = document.createElement("span");
    words.className = "visually-hidden";
    words.textContent = " need you";
    badge.replaceChildren(String(count), words);
  }
}

function stop() {
  clearTimeout(waiting);
  source?.close();
  source = null;
}

function listen() {
  stop();
  if (document.hidden) return;
  source = new EventSource("/live?topics=needs");
  source.addEventListener("needs", (event) => needs(JSON.parse(event.data)));
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) waiting = setTimeout(listen, AGAIN_MS); });
}

if (document.querySelector(".nav[data-follow]") && !document.querySelector("[data-live]")) {
  document.addEventListener("visibilitychange", listen);
  listen();
}
