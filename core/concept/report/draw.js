"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function colours(print) {
  const style = getComputedStyle(document.documentElement);
  const ink = print ? "#000000" : style.getPropertyValue("--ink").trim();
  return { "font.color": ink, "hoverlabel.bgcolor": style.getPropertyValue("--paper").trim(), "hoverlabel.font.color": ink };
}
const config = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false };
for (const [id, figure] of Object.entries(figures)) {
  Plotly.newPlot(id, figure.data, figure.layout, config).then(() => Plotly.relayout(id, colours(false)));
}
function recolour(print) {
  for (const id of Object.keys(figures)) Plotly.relayout(id, colours(print));
}
dark.addEventListener("change", () => recolour(false));
window.addEventListener("beforeprint", () => recolour(true));
window.addEventListener("afterprint", () => recolour(false));
