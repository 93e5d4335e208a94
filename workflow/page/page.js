"use strict";
// Sorts, filters and plots every table with `data-explore`, opens pictures, shows tooltips. Without it all is readable.

const make = (name, attributes = {}, text = "") => {
  const space = ["svg", "line", "circle", "text", "g"].includes(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;  // as text, so that no label is markup
  return element;
};

const tip = make("div", {id: "tip", role: "tooltip", hidden: ""});
document.body.append(tip);
const showTip = event => {
  const of = event.target.closest?.("[data-tip]");
  tip.hidden = !of;
  if (!of) return;
  tip.textContent = of.dataset.tip;
  const box = of.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 12))}px`;
  tip.style.top = `${box.bottom + 6 + tip.offsetHeight > innerHeight ? box.top - tip.offsetHeight - 6 : box.bottom + 6}px`;
};
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, showTip);
for (const kind of ["focusout", "scroll"]) document.addEventListener(kind, () => { tip.hidden = true; }, true);
document.addEventListener("keydown", event => { if (event.key === "Escape") tip.hidden = true; });

const order = (cell, sign) => {  // numbers as numbers, what is missing last, texts by their words
  const value = cell?.dataset.value;
  return value === undefined ? (cell?.classList.contains("number") ? Infinity : cell?.textContent.trim()) : sign * Number(value);
};
const compare = (a, b) => typeof a === "number" && typeof b === "number" ? (a === b ? 0 : a < b ? -1 : 1)
  : String(a).localeCompare(String(b), "en", {numeric: true});

function sortBy(table, index, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  for (const body of table.tBodies) {
    if (body.classList.contains("fixed")) continue;  // trivial predictor and bound stay on top
    const rows = [...body.rows].map(row => [order(row.cells[index], sign), row]);
    rows.sort(([a], [b]) => compare(a, b) * (typeof a === "string" ? sign : 1));
    body.append(...rows.map(([, row]) => row));
  }
  [...table.tHead.rows[0].cells].forEach((head, i) => i === index
    ? head.setAttribute("aria-sort", direction) : head.removeAttribute("aria-sort"));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    const button = make("button", {type: "button", class: "sort"}, head.textContent);
    if (head.title) button.title = `${head.title}; sorts the rows`;
    button.addEventListener("click", () => {
      const first = head.dataset.better === "up" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      sortBy(table, index, head.getAttribute("aria-sort") === first ? other : first);
      table.dispatchEvent(new Event("changed"));
    });
    head.replaceChildren(button);
  });
}

function filterBy(table, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.tBodies].filter(body => !body.classList.contains("fixed")).flatMap(body => [...body.rows]);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every(word => text.includes(word));
  }
  return `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
}

const shown = value => Number(value.toPrecision(4)).toString();

function plot(table, index) {
  const rows = [...table.tBodies].flatMap(body => [...body.rows]).filter(row => !row.hidden);
  const points = rows.map(row => {
    const cell = row.cells[row.cells.length - table.tHead.rows[0].cells.length + index];
    if (cell?.dataset.value === undefined) return null;
    const name = [...row.cells].filter(of => !of.classList.contains("number")).map(of => of.textContent.trim()).join(", ");
    const value = Number(cell.dataset.value);
    return {name, value, low: Number(cell.dataset.low ?? value), high: Number(cell.dataset.high ?? value),
      interval: cell.dataset.low !== undefined, fixed: row.parentElement.classList.contains("fixed")};
  }).filter(Boolean);
  const figure = make("div", {class: "plot"});
  if (!points.length) return figure;
  const low = Math.min(...points.map(of => of.low)), high = Math.max(...points.map(of => of.high));
  const span = high - low || 1, width = 760, left = 290, right = 60, step = 24;
  const x = value => left + (width - left - right) * (value - low) / span;
  const title = table.tHead.rows[0].cells[index].textContent.trim();
  const svg = make("svg", {viewBox: `0 0 ${width} ${points.length * step + 34}`, role: "group", "aria-label": `${title}, each row`});
  points.forEach((of, i) => {
    const y = 16 + i * step, interval = of.interval ? `, 95% interval ${shown(of.low)} to ${shown(of.high)}` : "";
    const said = `${of.name}: ${title} ${shown(of.value)}${interval}`;
    const group = make("g", {tabindex: 0, role: "img", "aria-label": said, "data-tip": said, class: of.fixed ? "fixed" : ""});
    const label = of.name.length > 40 ? `${of.name.slice(0, 39)}…` : of.name;
    group.append(make("line", {x1: left, x2: width - right, y1: y, y2: y, class: "guide"}),
      make("line", {x1: x(of.low), x2: x(of.high), y1: y, y2: y, class: "interval"}),
      make("circle", {cx: x(of.value), cy: y, r: 5}),
      make("text", {x: left - 12, y: y + 4, "text-anchor": "end"}, label),
      make("text", {x: width - right + 8, y: y + 4}, shown(of.value)));
    svg.append(group);
  });
  const bottom = points.length * step + 26;
  svg.append(make("text", {x: left, y: bottom, class: "axis"}, shown(low)),
    make("text", {x: width - right, y: bottom, "text-anchor": "end", class: "axis"}, shown(high)));
  figure.append(svg);
  return figure;
}

document.querySelectorAll("table[data-explore]").forEach(table => {
  const heads = [...table.tHead.rows[0].cells].map(head => head.textContent.trim());
  const numbers = [...table.tHead.rows[0].cells].map((head, i) => head.classList.contains("number") ? i : -1).filter(i => i >= 0);
  makeSortable(table);
  const label = table.getAttribute("aria-label") ?? "table";
  const filter = make("input", {type: "search", placeholder: "filter rows", "aria-label": `Filter the rows of ${label}`});
  const count = make("output", {"aria-live": "polite", class: "quiet"});
  const tools = make("div", {class: "tools"});
  tools.append(filter, count);
  const place = make("div");
  let redraw = () => {};
  if (numbers.length) {
    const choice = make("select", {"aria-label": `Plot a column of ${label}`});
    choice.append(make("option", {value: ""}, "plot a column …"), ...numbers.map(i => make("option", {value: i}, heads[i])));
    redraw = () => place.replaceChildren(...(choice.value ? [plot(table, Number(choice.value))] : []));
    choice.addEventListener("change", redraw);
    tools.append(choice);
  }
  filter.addEventListener("input", () => { count.textContent = filterBy(table, filter.value); redraw(); });
  table.addEventListener("changed", () => redraw());
  table.closest(".box").before(tools);
  table.closest(".box").after(place);
});

const viewer = make("dialog", {"aria-label": "Picture"});
const close = make("button", {type: "button", class: "close"}, "close");
close.addEventListener("click", () => viewer.close());
viewer.addEventListener("click", event => { if (event.target === viewer) viewer.close(); });
document.body.append(viewer);
document.querySelectorAll("figure > a").forEach(link => link.addEventListener("click", event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;  // a new tab or window, as for any link
  event.preventDefault();
  const picture = link.querySelector("img"), words = link.parentElement.querySelector("figcaption");
  viewer.replaceChildren(close, make("img", {src: link.href, alt: picture.alt}), make("p", {}, words?.textContent ?? ""));
  viewer.showModal();
}));
