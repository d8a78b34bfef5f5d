"use strict";
// The state is a text and changes to it that no answer has taken in yet. One question is under way at a time; what
// comes meanwhile waits for its answer, and overtakes it where that takes long. The last good picture stays.

const PATIENCE = 100; // ms after which a question that is under way is overtaken
const TYPING = 250; // ms without a key after which the text is asked for
const byId = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

let text = "";
let written = 0; // how often the text was written by hand, or another one was chosen
let changes = {};
let asked = 0; // the number of the last change
let sent = 0; // of the last question
let answered = 0; // of the last answer that is shown
let underWay = 0;
let sentAt = 0;
let typing = 0; // the timer of a text that is being typed
let lessons = [];
let shown = null; // what the page shows now

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const state = () => ({ text, set: { ...changes } });

function ask() {
  asked += 1;
  if (underWay === 0) question();
  else setTimeout(overtake, Math.max(0, sentAt + PATIENCE - performance.now()));
}

function overtake() {
  if (underWay > 0 && asked > sent && performance.now() - sentAt >= PATIENCE) question();
}

async function question() {
  const number = (sent = asked);
  const what = { ...state(), written };
  sentAt = performance.now();
  underWay += 1;
  byId("now").classList.add("waits");
  try {
    const answer = await (await post("run", { text: what.text, set: what.set })).json();
    if (answer.overtaken) {
      // By another window, where nothing of this one has come since.
      if (number === asked) setTimeout(() => number === asked && ask(), PATIENCE);
    } else if (number > answered) {
      answered = number;
      await take(answer, what, number);
    }
  } catch (error) {
    say("No answer: is modalflow explore still running?");
  }
  underWay -= 1;
  if (underWay === 0 && asked > sent) question();
}

// What has been taken in is no change any more; what has changed again since still is.
async function take(answer, what, number) {
  if (answer.text !== null && what.written === written) {
    text = answer.text;
    for (const key of Object.keys(what.set)) {
      if (JSON.stringify(changes[key]) === JSON.stringify(what.set[key])) delete changes[key];
    }
    // What is typed at this moment stays, and so does the place in a text that is the same.
    if (!typing && byId("text").value !== text) byId("text").value = text;
    remember();
  }
  if (answer.controls) showControls(answer.controls);
  showFault(answer.fault);
  if (answer.shown) await show(answer.shown, number);
}

const pictureOf = (svg) => URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));

async function show(run, number) {
  const images = await Promise.all(run.pictures.map(async ({ stem, svg }) => {
    const image = make("img", { src: pictureOf(svg), alt: `${stem}: ${run.headline}` });
    image.dataset.stem = stem;
    await image.decode().catch(() => {});
    return image;
  }));
  // A later answer may have been quicker to draw.
  if (number < answered) return;
  const now = byId("now");
  const pictures = now.querySelector(".pictures");
  const old = [...pictures.children].map((image) => image.src);
  pictures.replaceChildren(...images);
  const pinned = [...byId("pinned").querySelectorAll("img")].map((image) => image.src);
  old.filter((src) => !pinned.includes(src)).forEach((src) => URL.revokeObjectURL(src));
  now.querySelector(".headline").textContent = run.headline;
  const cut = now.querySelector(".cut");
  cut.hidden = run.cut === null;
  cut.textContent = run.cut ?? "";
  now.querySelector("tbody").replaceChildren(...run.numbers.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells.map((cell) => make("td", { textContent: cell })))));
  now.querySelector(".notes").replaceChildren(...run.notes.map((note) => make("li", { textContent: note })));
  byId("report").textContent = run.report;
  shown = run;
  now.dataset.number = number;
}

// A fault stands where its key is, and under the text with its line.
function showFault(fault) {
  byId("now").classList.toggle("stale", Boolean(fault));
  document.querySelectorAll(".control .fault").forEach((place) => place.remove());
  document.querySelectorAll("[aria-invalid]").forEach((element) => element.removeAttribute("aria-invalid"));
  const below = byId("fault-text");
  const above = byId("fault");
  const goto = byId("goto");
  below.hidden = above.hidden = goto.hidden = true;
  if (!fault) return;
  const words = `${fault.problem}\n${fault.remedy}`;
  const control = [...document.querySelectorAll(".control")].find((each) => each.dataset.key === fault.key);
  if (control) {
    control.append(make("p", { className: "fault", role: "alert", textContent: words }));
    control.querySelectorAll("input, select").forEach((input) => input.setAttribute("aria-invalid", "true"));
  } else {
    above.hidden = false;
    above.textContent = `${fault.key ? fault.key + ": " : ""}${words}`;
  }
  below.hidden = false;
  below.textContent = `${fault.line ? `line ${fault.line}: ` : ""}${fault.key ? fault.key + ": " : ""}${words}`;
  byId("text").setAttribute("aria-invalid", "true");
  goto.hidden = !fault.line;
  goto.onclick = () => selectLine(fault.line);
}

function selectLine(line) {
  const area = byId("text");
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
}

// Controls: those that are there get their values, and others are made where the keys are others.
let made = "";

function showControls(controls) {
  const shape = JSON.stringify(controls.map(({ key, form, options }) => [key, form, options?.map(([word]) => word)]));
  if (shape !== made) {
    const focused = document.activeElement?.id;
    made = shape;
    const groups = new Map();
    controls.forEach((control) => {
      if (!groups.has(control.group)) groups.set(control.group, make("fieldset", {}, make("legend", { textContent: control.group })));
      groups.get(control.group).append(makeControl(control));
    });
    byId("controls").replaceChildren(...groups.values());
    if (focused?.startsWith("c-")) byId(focused)?.focus();
  }
  controls.forEach(setControl);
}

function makeControl({ key, label, help, form }) {
  const row = make("div", { className: "control", title: help });
  row.dataset.key = key;
  const id = `c-${key}`;
  const name = make("label", { htmlFor: id, textContent: label });
  if (form === "choice") {
    row.append(name, make("select", { id }));
    return row;
  }
  const slider = make("input", { type: "range", id, step: "any" });
  const number = make("input", { type: "number", step: "any" });
  number.setAttribute("aria-label", `${label}, as a number`);
  row.append(name, slider, number);
  return row;
}

// One form of a number for both inputs: three digits, or what was typed.
const round = (value, whole) => (whole ? Math.round(value) : Number(value.toPrecision(3)));

// Small numbers with their power of ten, which a narrow field has room for.
const shortly = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value));

// The greatest of 1, 2, 5 times a power of ten that is no greater.
function handy(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [5, 2, 1].find((digit) => digit * power <= step * 1.000001) * power;
}

function setControl(control) {
  const row = document.querySelector(`.control[data-key="${CSS.escape(control.key)}"]`);
  if (control.form === "choice") {
    const select = row.querySelector("select");
    select.replaceChildren(...control.options.map(([word]) => make("option", { value: word, textContent: word })));
    select.value = control.value;
    select.onchange = () => change(control.options.find(([word]) => word === select.value)[1]);
    return;
  }
  const { key, least, most, log, whole, caps } = control;
  const [slider, number] = [row.querySelector("[type=range]"), row.querySelector("[type=number]")];
  const place = (value) => (log ? Math.log10(value) : value);
  const span = place(most) - place(least);
  const step = whole && !log ? 1 : log ? span / 200 : handy(span / 150);
  const value = (at) => round(log ? 10 ** at : Math.round(at / step) * step, whole);
  Object.assign(slider, { min: place(least), max: place(most) });
  if (key in changes) {
    control.value = changes[key]; // its own value is on the way
  } else {
    slider.value = place(control.value);
    slider.setAttribute("aria-valuetext", control.value);
    if (document.activeElement !== number) number.value = shortly(control.value);
  }
  const set = (to) => {
    slider.setAttribute("aria-valuetext", to);
    const cap = caps && controlOf(caps);
    const also = {};
    // Late fusion stays late fusion, and no layer is above the last.
    if (cap && (cap.value === control.value || cap.value > to)) also[caps] = to;
    control.value = to;
    if (cap && caps in also) cap.value = to;
    change({ [key]: to, ...also });
  };
  current.set(key, control);
  slider.oninput = () => {
    const to = Math.min(most, Math.max(least, value(Number(slider.value))));
    number.value = shortly(to);
    set(to);
  };
  slider.onkeydown = (event) => {
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    let to = Number(slider.value);
    // At least to the next value that differs.
    do to += Math.sign(by) * step * Math.max(1, Math.abs(by));
    while (value(to) === control.value && to >= place(least) && to <= place(most));
    slider.value = to;
    slider.oninput();
  };
  number.oninput = () => {
    if (number.value === "" || !Number.isFinite(number.valueAsNumber)) return;
    slider.value = place(number.valueAsNumber);
    set(number.valueAsNumber);
  };
  setSwitch(row, control, [slider, number]);
}

const current = new Map();
const controlOf = (key) => current.get(key);

function setSwitch(row, control, inputs) {
  if (!control.switch) return;
  const [section, on] = control.switch;
  let box = row.querySelector("[type=checkbox]");
  if (!box) {
    box = make("input", { type: "checkbox" });
    row.querySelector("label").prepend(box, " ");
    row.querySelector("label").htmlFor = box.id = `c-${section}-on`;
    inputs[0].setAttribute("aria-label", control.label);
  }
  box.checked = on;
  inputs.forEach((input) => (input.disabled = !on));
  box.onchange = () => change(box.checked ? { [control.key]: control.value } : { [section]: null });
}

function change(more) {
  // What is removed has no changes below it.
  for (const [key, value] of Object.entries(more)) {
    if (value === null) Object.keys(changes).filter((other) => other.startsWith(key + ".")).forEach((other) => delete changes[other]);
  }
  Object.assign(changes, more);
  byId("lesson").value = "";
  ask();
}

function write(to) {
  text = to;
  changes = {};
  written += 1;
  ask();
}

function setText(to) {
  byId("text").value = to;
  write(to);
}

// The address holds the text.
let remembering = 0;

function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", "#" + encode(text)), 200);
}

function encode(what) {
  const bytes = Array.from(new TextEncoder().encode(what), (byte) => String.fromCharCode(byte)).join("");
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(hash) {
  try {
    const bytes = atob(hash.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}

function say(words) {
  byId("status").textContent = words;
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function takeOut(path, body, name) {
  const response = await post(path, body);
  if (response.headers.get("Content-Type") === "application/json") {
    const { fault } = await response.json();
    return say(fault ? `${fault.problem}: ${fault.remedy}` : "Saved.");
  }
  if (!response.ok) return say(await response.text());
  download(await response.blob(), name);
  say(`${name} is downloaded.`);
}

byId("png").onclick = () =>
  shown?.pictures.forEach(({ stem }) => takeOut("png", { state: state(), stem }, `${shown.name}-${stem}.png`));
byId("svg").onclick = () =>
  shown?.pictures.forEach(({ stem, svg }) => download(new Blob([svg], { type: "image/svg+xml" }), `${shown.name}-${stem}.svg`));
byId("csv").onclick = () => shown && takeOut("csv", state(), `${shown.name}.csv`);
byId("save").onclick = () => takeOut("save", state());
byId("copy").onclick = async () => {
  try {
    await navigator.clipboard.writeText(byId("text").value);
    say("Copied.");
  } catch {
    byId("text").select();
    say("Press Ctrl-C to copy.");
  }
};
byId("pin").onclick = () => {
  const pinned = byId("pinned");
  if (pinned.hidden) {
    pinned.replaceChildren(...[...byId("now").children].map((child) => child.cloneNode(true)));
    pinned.querySelector(".headline").prepend("Pinned: ");
    pinned.querySelector(".headline").removeAttribute("aria-live");
  } else {
    const now = [...byId("now").querySelectorAll("img")].map((image) => image.src);
    [...pinned.querySelectorAll("img")].filter(({ src }) => !now.includes(src)).forEach(({ src }) => URL.revokeObjectURL(src));
    pinned.replaceChildren();
  }
  pinned.hidden = !pinned.hidden;
  byId("pin").textContent = pinned.hidden ? "Pin" : "Unpin";
};
byId("panel").onsubmit = (event) => event.preventDefault();

byId("text").oninput = () => {
  clearTimeout(typing);
  byId("lesson").value = "";
  typing = setTimeout(() => {
    typing = 0;
    write(byId("text").value);
  }, TYPING);
};
byId("lesson").onchange = () => {
  const lesson = lessons[byId("lesson").selectedIndex - 1];
  byId("sentence").textContent = lesson ? lesson.sentence : "";
  if (lesson) setText(lesson.text);
};
onhashchange = () => {
  const there = decode(location.hash.slice(1));
  if (there !== null && there !== text) setText(there);
};

(async () => {
  const start = await (await fetch("start")).json();
  lessons = start.lessons;
  lessons.forEach(({ name }) => byId("lesson").append(make("option", { value: name, textContent: name.replaceAll("_", " ") })));
  byId("save").hidden = start.file === null;
  if (start.file) byId("save").textContent = `Save to ${start.file}`;
  const there = location.hash.length > 1 ? decode(location.hash.slice(1)) : null;
  const first = there ?? start.text;
  const lesson = lessons.find((each) => each.text === first);
  setText(first);
  if (lesson) {
    byId("lesson").value = lesson.name;
    byId("sentence").textContent = lesson.sentence;
  }
})();
