"""The look of the report's page: one style for dark and light, readable on paper, nothing fetched from anywhere."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #22303c; --soft: #687684; --line: #e3e8ee; --page: #f6f8fa; --card: #ffffff;
  --blue: #0072b2; --amber: #b35900; --red: #c0392b; --green: #00785a; --tint: #0072b21a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #93a1b0; --line: #2b3642; --page: #11171d;
  --card: #19212a; --blue: #58b2e6; --amber: #f0a04b; --red: #ff8072; --green: #4cc9a0; --tint: #58b2e626; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 17px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 20px 0 6px; color: var(--soft); font-weight: 600; }
p { margin: 6px 0; }
.soft { color: var(--soft); }
code { font: 12.5px ui-monospace, Menlo, monospace; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin: 16px 0; }
.caveat { border-left: 3px solid var(--amber); padding: 2px 0 2px 12px; margin: 14px 0 0; color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 4px 0 8px; }
.facts div { border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
.facts b { display: block; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: 12.5px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 12.5px; vertical-align: bottom; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; } td.n, th.n { text-align: right; white-space: nowrap; padding-right: 22px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 8px 36px; }
.bar { display: grid; grid-template-columns: minmax(90px, 150px) 1fr 150px; gap: 12px; align-items: center;
  margin: 3px 0; font-size: 13.5px; }
.bar i { display: block; height: 12px; border-radius: 3px; background: var(--blue); }
td:first-child { overflow-wrap: anywhere; }
.bar span:last-child { white-space: nowrap; color: var(--soft); font-variant-numeric: tabular-nums; }
.quiet { color: var(--green); } .watch { color: var(--amber); font-weight: 600; }
.act { color: var(--red); font-weight: 600; }
svg { display: block; width: 100%; height: auto; margin: 6px 0; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.grid { stroke: var(--line); } .even { stroke: var(--soft); stroke-dasharray: 4 4; } .dot { fill: var(--blue); }
.reach { stroke: var(--blue); stroke-opacity: .5; stroke-width: 2; } .low { fill: var(--blue); fill-opacity: .35; }
.high { fill: var(--amber); } ul { margin: 6px 0; padding-left: 18px; } li { margin: 2px 0; }
@media print { body { background: none; } section { break-inside: avoid; border-color: #ccc; } }
"""
