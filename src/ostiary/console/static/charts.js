// Charts. A page puts `<div class="chart" data-chart="KIND" data-from="ID">` beside `<script type="application/json" id="ID">`.
// ECharts draws on a canvas and its tooltips are drawn text: nothing here makes HTML, so no name in the data can be HTML.
const drawn = new Map();

// Colours come from the sheet: a browser resolves `light-dark()` for a probe that is never shown.
const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const EFFECTS = { ALLOW: "allow", REDUCE: "reduce", STEP_UP: "step-up", DENY: "deny", TERMINATE: "terminate" };

function frame(marks) {
  const ink = colour("ink-soft"), line = colour("line");
  const axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    textStyle: { fontFamily: "Inter", color: ink },
    grid: { left: 48, right: 16, top: 28, bottom: 28 },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("card"), borderColor: line, textStyle: { color: colour("ink") } },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: ink } },
    aria: { enabled: true },
    axis,
    markLine: marks?.length ? { symbol: "none", silent: true, lineStyle: { color: colour("brand"), type: "dashed" }, label: { color: ink, formatter: "{b}", position: "insideEndTop" }, data: marks.map((mark) => ({ name: mark.text, xAxis: mark.at })) } : undefined,
  };
}

const KINDS = {
  // {times: [...], series: {ALLOW: [...], …}, marks: [{at, text}]}
  effects(told) {
    const { axis, markLine, ...rest } = frame(told.marks);
    const names = Object.keys(EFFECTS).filter((name) => name in told.series);
    return {
      ...rest,
      xAxis: { type: "time", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", minInterval: 1, ...axis },
      series: names.map((name, index) => ({ name, type: "bar", stack: "all", barMaxWidth: 18, itemStyle: { color: colour(EFFECTS[name] ?? "brand") }, data: told.times.map((time, at) => [time, told.series[name][at]]), markLine: index === 0 ? markLine : undefined })),
    };
  },
  // {points: [[time, value], …], medium, high, marks}
  risk(told) {
    const { axis, markLine, ...rest } = frame(told.marks);
    const level = (value, name) => ({ yAxis: value, name, lineStyle: { color: colour(name), type: "dotted" }, label: { formatter: "{b}", color: colour("ink-soft"), position: "insideStartTop" } });
    return {
      ...rest, legend: undefined,
      xAxis: { type: "time", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", min: 0, max: 1, ...axis },
      series: [{ name: "risk", type: "line", step: "end", showSymbol: false, lineStyle: { color: colour("brand"), width: 2 }, areaStyle: { color: colour("brand"), opacity: 0.1 }, data: told.points,
        markLine: { symbol: "none", silent: true, ...markLine, data: [...(markLine?.data ?? []), ...(told.medium ? [level(told.medium, "reduce")] : []), ...(told.high ? [level(told.high, "deny")] : [])] } }],
    };
  },
  // {hours: 24, days: [...], cells: [[hour, day, count], …]}
  heat(told) {
    const { axis, ...rest } = frame();
    const most = Math.max(1, ...told.cells.map((cell) => cell[2]));
    return {
      ...rest, legend: undefined, tooltip: { ...rest.tooltip, trigger: "item" }, grid: { left: 48, right: 16, top: 8, bottom: 28 },
      xAxis: { type: "category", data: [...Array(24).keys()].map((hour) => `${hour}`.padStart(2, "0")), ...axis, splitLine: { show: false } },
      yAxis: { type: "category", data: told.days, ...axis, splitLine: { show: false } },
      visualMap: { show: false, min: 0, max: most, inRange: { color: [colour("sunk"), colour("brand")] } },
      series: [{ name: "accesses", type: "heatmap", data: told.cells, itemStyle: { borderColor: colour("card"), borderWidth: 2, borderRadius: 3 } }],
    };
  },
  // {points: [[time, value], …], name}
  line(told) {
    const { axis, ...rest } = frame();
    const zero = { symbol: "none", silent: true, lineStyle: { color: colour("line-strong"), type: "dashed" }, label: { show: false }, data: [{ yAxis: 0 }] };
    return {
      ...rest, legend: undefined,
      xAxis: { type: "time", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", splitNumber: 3, ...axis },
      series: [{ name: told.name, type: "line", showSymbol: told.points.length < 2, lineStyle: { color: colour("brand"), width: 2 }, itemStyle: { color: colour("brand") }, data: told.points, markLine: zero }],
    };
  },
  // {nodes: [{name, kind}], links: [{source, target, value}]}
  lineage(told, element) {
    const { axis, ...rest } = frame();
    return {
      ...rest, legend: undefined, tooltip: { ...rest.tooltip, trigger: "item" },
      series: [{ type: "sankey", left: 8, right: 96, top: 8, bottom: 8, nodeGap: 14, nodeWidth: 10, label: { color: colour("ink"), overflow: "truncate", width: Math.max(40, element.clientWidth / 7) }, lineStyle: { color: "source", opacity: 0.25 }, itemStyle: { color: colour("brand"), borderWidth: 0 }, data: told.nodes, links: told.links }],
    };
  },
  // {curves: {name: [[x, y], …]}, x, y, diagonal}
  curve(told) {
    const { axis, ...rest } = frame();
    const palette = ["brand", "step-up", "reduce", "terminate"];
    const lines = Object.entries(told.curves).map(([name, data], at) => ({ name, type: "line", showSymbol: data.length < 25, lineStyle: { width: 2 }, itemStyle: { color: colour(palette[at % palette.length]) }, data }));
    if (told.diagonal) lines.push({ name: "chance", type: "line", showSymbol: false, lineStyle: { type: "dashed", color: colour("line-strong") }, itemStyle: { color: colour("line-strong") }, data: [[0, 0], [1, 1]] });
    const named = (name) => ({ type: "value", min: 0, max: 1, name, nameLocation: "middle", nameGap: 28, ...axis });
    return { ...rest, grid: { left: 56, right: 16, top: 28, bottom: 44 }, xAxis: named(told.x), yAxis: { ...named(told.y), nameGap: 36 }, series: lines };
  },
};

function draw(element) {
  const told = JSON.parse(document.getElementById(element.dataset.from).textContent);
  const chart = drawn.get(element) ?? echarts.init(element, null, { renderer: "canvas" });
  drawn.set(element, chart);
  chart.setOption(KINDS[element.dataset.chart](told, element), { notMerge: true });
}

export function drawAll(within = document) { within.querySelectorAll("[data-chart]").forEach(draw); }
new ResizeObserver(() => drawn.forEach((chart) => chart.resize())).observe(document.documentElement);
document.addEventListener("theme", () => drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
document.addEventListener("htmx:after:swap", (event) => drawAll(event.target));
drawAll();
