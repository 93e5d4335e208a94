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

const headsOf = table => [...table.tHead.rows[0].cells];
const rowsOf = table => [...table.tBodies].flatMap(body => [...body.rows]);
const isFixed = row => row.parentElement.classList.contains("fixed");  // trivial predictor and bound stay on top

function sortBy(table, index, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const isNumber = headsOf(table)[index].classList.contains("number");
  const value = cell => isNumber ? Number(cell.dataset.value ?? sign * Infinity) : cell.textContent.trim();
  const compare = (a, b) => isNumber ? (a > b) - (a < b) : a.localeCompare(b, "en", {numeric: true});
  const rows = rowsOf(table).filter(row => !isFixed(row)).map(row => [value(row.cells[index]), row]);
  rows.sort(([a], [b]) => sign * compare(a, b));  // what is missing comes last
  rows.forEach(([, row]) => row.parentElement.append(row));
  headsOf(table).forEach((head, i) => i === index
    ? head.setAttribute("aria-sort", direction) : head.removeAttribute("aria-sort"));
}

function makeSortable(table, whenSorted) {
  headsOf(table).forEach((head, index) => {
    const button = make("button", {type: "button", class: "sort"}, head.textContent);
    if (head.title) button.title = `${head.title}; sorts the rows`;
    button.addEventListener("click", () => {
      const [first, other] = head.dataset.better === "up" ? ["descending", "ascending"] : ["ascending", "descending"];
      sortBy(table, index, head.getAttribute("aria-sort") === first ? other : first);
      whenSorted();
    });
    head.replaceChildren(button);
  });
}

function filterBy(table, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = rowsOf(table).filter(row => !isFixed(row));
  for (const row of rows) row.hidden = !wanted.every(word => row.textContent.toLowerCase().includes(word));
  return `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
}

const shown = value => Number(value.toPrecision(4)).toString();

function plot(table, index) {
  const fromRight = index - headsOf(table).length;  // the first cell of a fixed row is as wide as two
  const points = rowsOf(table).filter(row => !row.hidden).map(row => {
    const {value, low = value, high = value} = row.cells[row.cells.length + fromRight].dataset;
    const texts = [...row.cells].filter(cell => !cell.classList.contains("number"));
    const name = texts.map(cell => cell.textContent.trim()).join(", ");
    return {row, name, value: Number(value), low: Number(low), high: Number(high)};
  }).filter(point => !Number.isNaN(point.value));
  const figure = make("div", {class: "plot"});
  if (!points.length) return figure;
  const low = Math.min(...points.map(of => of.low)), high = Math.max(...points.map(of => of.high));
  const width = 560, left = 8, right = width - 64, step = 32, bottom = points.length * step + 20;
  const x = value => left + (right - left) * (value - low) / (high - low || 1);
  const title = headsOf(table)[index].textContent.trim();
  const svg = make("svg", {viewBox: `0 0 ${width} ${bottom + 8}`, role: "group", "aria-label": `${title}, each row`});
  points.forEach((of, i) => {
    const y = 24 + i * step, interval = of.low < of.high ? `, 95% interval ${shown(of.low)} to ${shown(of.high)}` : "";
    const said = `${of.name}: ${title} ${shown(of.value)}${interval}`;
    const group = make("g", {tabindex: 0, role: "img", "aria-label": said, "data-tip": said, class: isFixed(of.row) ? "fixed" : ""});
    group.append(make("line", {x1: left, x2: right, y1: y, y2: y, class: "guide"}),
      make("line", {x1: x(of.low), x2: x(of.high), y1: y, y2: y, class: "interval"}),
      make("circle", {cx: x(of.value), cy: y, r: 5}),
      make("text", {x: left, y: y - 9}, of.name),
      make("text", {x: right + 8, y: y + 4}, shown(of.value)));
    svg.append(group);
  });
  svg.append(make("text", {x: left, y: bottom, class: "axis"}, shown(low)),
    make("text", {x: right, y: bottom, "text-anchor": "end", class: "axis"}, shown(high)));
  figure.append(svg);
  return figure;
}

document.querySelectorAll("table[data-explore]").forEach(table => {
  const label = table.getAttribute("aria-label");
  const filter = make("input", {type: "search", placeholder: "filter rows", "aria-label": `Filter the rows of ${label}`});
  const count = make("output", {"aria-live": "polite", class: "quiet"});
  const choice = make("select", {"aria-label": `Plot a column of ${label}`});
  choice.append(make("option", {value: ""}, "plot a column …"));
  headsOf(table).forEach((head, i) => {
    if (head.classList.contains("number")) choice.append(make("option", {value: i}, head.textContent.trim()));
  });
  const tools = make("div", {class: "tools"}), place = make("div");
  tools.append(filter, count, ...(choice.length > 1 ? [choice] : []));
  const redraw = () => place.replaceChildren(...(choice.value ? [plot(table, Number(choice.value))] : []));
  makeSortable(table, redraw);
  choice.addEventListener("change", redraw);
  filter.addEventListener("input", () => { count.textContent = filterBy(table, filter.value); redraw(); });
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
