"use strict";
// The state is a text and changes to it that no answer has taken in yet. One question is under way at a time; what
// comes meanwhile waits for its answer, and overtakes it where that takes long. The last good picture stays.
// What the controls do stands in controls.js.

const PATIENCE = 100; // ms after which a question that is under way is overtaken
const TYPING = 250; // ms without a key after which the text is asked for
const byId = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const page = crypto.getRandomValues(new Uint32Array(1))[0]; // only its own questions overtake each other
const narrow = matchMedia("(max-width: 40rem)");

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
  byId("now").setAttribute("aria-busy", "true");
  try {
    const answer = await (await post("run", { page, state: { text: what.text, set: what.set }, narrow: narrow.matches })).json();
    if (answer.overtaken) {
      // Forgotten among too many windows, where nothing of this one has come since.
      if (number === asked) setTimeout(() => number === asked && ask(), PATIENCE);
    } else if (number > answered) {
      answered = number;
      take(answer, what, number);
    }
  } catch (error) {
    say("No answer: is modalflow explore still running?");
  }
  underWay -= 1;
  if (underWay === 0 && asked > sent) question();
  if (underWay === 0) byId("now").removeAttribute("aria-busy");
}

// What has been taken in is no change any more; what has changed again since still is.
function take(answer, what, number) {
  if (answer.text !== null && what.written === written) {
    const had = hasComment(text);
    text = answer.text;
    if (had && !hasComment(text)) say("The text is written anew, without its comments.");
    byId("anew").hidden = !hasComment(text);
    for (const key of Object.keys(what.set)) {
      if (JSON.stringify(changes[key]) === JSON.stringify(what.set[key])) delete changes[key];
    }
    // What is typed at this moment stays, and so does the place in a text that is the same.
    if (!typing && byId("text").value !== text) byId("text").value = text;
    remember();
  }
  if (answer.controls) showControls(answer.controls);
  showFault(answer.fault);
  if (answer.shown) show(answer.shown, number);
}

const hasComment = (what) => /(^|\s)#/m.test(what);

// As a part of the page: a browser shows it in half the time that it takes over a picture of its own.
function pictureOf({ stem, svg }, headline) {
  const picture = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `${stem}: ${headline}`);
  const place = make("div", {}, picture);
  place.dataset.stem = stem;
  return place;
}

function show(run, number) {
  const now = byId("now");
  now.querySelector(".pictures").replaceChildren(...run.pictures.map((picture) => pictureOf(picture, run.headline)));
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
  told(name, response.headers.get("X-Note"));
}

const told = (name, cut) => say(`${name} is downloaded.${cut ? ` ${cut}.` : ""}`);

byId("png").onclick = () =>
  shown?.pictures.forEach(({ stem }) => takeOut("png", { state: state(), stem }, `${shown.name}-${stem}.png`));
byId("svg").onclick = () => shown?.pictures.forEach(({ stem, svg }) => {
  download(new Blob([svg], { type: "image/svg+xml" }), `${shown.name}-${stem}.svg`);
  told(`${shown.name}-${stem}.svg`, shown.cut);
});
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
    pinned.classList.toggle("stale", byId("now").classList.contains("stale"));
    pinned.querySelector(".headline").prepend("Pinned: ");
    pinned.querySelector(".headline").removeAttribute("aria-live");
  } else {
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
  if (lesson) start(lesson.text);
};

// A text from somewhere else: a lesson where it is one.
function start(from) {
  const lesson = lessons.find((each) => each.text === from);
  byId("lesson").value = lesson?.name ?? "";
  byId("sentence").textContent = lesson?.sentence ?? "";
  clearTimeout(typing);
  typing = 0;
  say("");
  setText(from);
}

onhashchange = () => {
  clearTimeout(remembering);
  const there = decode(location.hash.slice(1));
  if (there === null) say("What stands behind the # of the address is no state of this page.");
  else if (there !== text) start(there);
};
narrow.onchange = ask;

(async () => {
  const first = await (await fetch("start")).json();
  lessons = first.lessons;
  lessons.forEach(({ name }) => byId("lesson").append(make("option", { value: name, textContent: name.replaceAll("_", " ") })));
  byId("save").hidden = first.file === null;
  if (first.file) byId("save").textContent = `Save to ${first.file}`;
  const there = location.hash.length > 1 ? decode(location.hash.slice(1)) : null;
  start(there ?? first.text);
})();
