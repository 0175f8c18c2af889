// Tokens as boxes whose colour is a value. All text of others goes through textContent: nothing here reads markup.
const drawn = new WeakMap();

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function colour(value, most) {
  // Blue below, vermilion above: Okabe and Ito's, which colour-blind eyes tell apart. The stronger, the less see-through.
  const share = Math.min(1, Math.abs(value) / most);
  return `rgba(${value < 0 ? "0,114,178" : "213,94,0"},${(0.62 * share).toFixed(3)})`;
}

function legend(data) {
  const row = make("div", "legend");
  row.append(make("span", "", data.low), make("span", data.diverging ? "bar" : "bar one"), make("span", "", data.high));
  return row;
}

function box(token, place, data) {
  const element = make(data.clickable ? "button" : "span", "token", token.text);
  element.dataset.place = place;
  element.setAttribute("dir", "auto");
  element.tabIndex = place === 0 ? 0 : -1;
  element.setAttribute("aria-label", [token.text, ...token.lines].join(", "));
  if (data.clickable) {
    element.type = "button";
    element.setAttribute("aria-pressed", String(place === data.chosen));
  } else {
    element.setAttribute("role", "listitem");
  }
  if (token.value === null) element.classList.add("masked");
  else element.style.backgroundColor = colour(token.value, data.most);
  if (token.odd) element.classList.add("odd");
  if (token.strong) element.classList.add("strong");
  return element;
}

function fill(root, data) {
  const list = make("div", "tokens");
  list.setAttribute("role", data.clickable ? "group" : "list");
  list.setAttribute("aria-label", data.label);
  data.tokens.forEach((token, place) => {
    if (token.head) list.append(make("div", "head", token.head));
    list.append(box(token, place, data));
    for (let n = 0; n < token.breaks; n += 1) list.append(make("br"));
  });
  const tip = make("div", "tip");
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  const frame = make("div", "frame");
  frame.append(list, tip);
  if (data.low || data.high) frame.prepend(legend(data));
  root.replaceChildren(frame);
  return { frame, list, tip };
}

function showTip({ frame, tip }, element, token) {
  tip.replaceChildren(...token.lines.map((line, n) => make("div", n ? "" : "first", line)));
  tip.hidden = false;
  const outer = frame.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  const room = Math.max(0, outer.width - tip.offsetWidth);
  tip.style.left = `${Math.min(room, Math.max(0, inner.left - outer.left))}px`;
  tip.style.top = `${inner.bottom - outer.top + 4}px`;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector("#tokens") ?? parentElement;
  const seen = JSON.stringify(data);
  if (drawn.get(root) === seen) return undefined; // an unchanged view keeps its focus
  drawn.set(root, seen);
  const parts = fill(root, data);
  const { list, tip } = parts;
  const of = (event) => event.target.closest?.(".token");
  const hide = () => {
    tip.hidden = true;
  };
  const show = (element) => showTip(parts, element, data.tokens[Number(element.dataset.place)]);
  const go = (place) => {
    const boxes = list.querySelectorAll(".token");
    const next = boxes[Math.max(0, Math.min(boxes.length - 1, place))];
    list.querySelectorAll('[tabindex="0"]').forEach((one) => {
      one.tabIndex = -1;
    });
    next.tabIndex = 0;
    next.focus();
  };
  list.addEventListener("pointerover", (event) => (of(event) ? show(of(event)) : hide()));
  list.addEventListener("pointerleave", hide);
  list.addEventListener("focusin", (event) => of(event) && show(of(event)));
  list.addEventListener("focusout", hide);
  list.addEventListener("keydown", (event) => {
    const element = of(event);
    if (!element) return;
    const place = Number(element.dataset.place);
    const steps = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: data.tokens.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      go(steps[event.key]);
    } else if (event.key === "Escape") {
      hide();
    }
  });
  if (data.clickable) {
    list.addEventListener("click", (event) => of(event) && setTriggerValue("clicked", Number(of(event).dataset.place)));
  }
  return undefined;
}
