// Bars over an axis. All text goes through textContent, all numbers through style properties: nothing here is markup.
const drawn = new WeakMap();

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function bars(series, over) {
  return series.boxes.map((one) => {
    const element = make("div", "bar");
    element.dataset.text = one.text;
    const filled = make("div", over ? "filled over" : "filled");
    filled.style.height = `${Number(one.height)}%`;
    filled.style.backgroundColor = `rgb(${series.colour})`;
    element.style.left = `${Number(one.left)}%`;
    element.style.width = `${Number(one.width)}%`;
    element.append(filled);
    return element;
  });
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector("#histogram") ?? parentElement;
  const seen = JSON.stringify(data);
  if (drawn.get(root) === seen) return undefined;
  drawn.set(root, seen);
  const frame = make("div", "frame");
  if (data.series.length > 1) {
    const legend = make("div", "legend");
    data.series.forEach((one) => {
      const mark = make("span", "mark");
      mark.style.backgroundColor = `rgb(${one.colour})`;
      legend.append(mark, make("span", "", one.name));
    });
    frame.append(legend);
  }
  const plot = make("div", "plot");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", data.label);
  data.series.forEach((one) => plot.append(...bars(one, data.series.length > 1)));
  const tip = make("div", "tip");
  tip.hidden = true;
  plot.addEventListener("pointerover", (event) => {
    const bar = event.target.closest?.(".bar");
    tip.hidden = !bar;
    if (!bar) return;
    tip.textContent = bar.dataset.text;
    const room = Math.max(0, plot.clientWidth - tip.offsetWidth);
    tip.style.left = `${Math.min(room, Math.max(0, bar.offsetLeft - tip.offsetWidth / 2))}px`;
  });
  plot.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  plot.append(tip);
  const axis = make("div", "axis");
  data.ticks.forEach((one) => {
    const tick = make("span", "tick", one.text);
    tick.style.left = `${Number(one.left)}%`;
    axis.append(tick);
  });
  frame.append(make("div", "top", data.y), plot, axis, make("div", "title", data.x));
  root.replaceChildren(frame);
  return undefined;
}
