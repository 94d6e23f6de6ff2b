// The page's Trusted Types: nothing of ours makes HTML from text. ECharts empties its element with `innerHTML = ""`, so
// the default policy lets exactly that through, and nothing else.
if (window.trustedTypes) {
  trustedTypes.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });
}
