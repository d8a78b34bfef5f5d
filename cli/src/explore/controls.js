"use strict";
// Controls: those that are there get their values, and stay where they are, since one of them may be under a hand; others come and
// go with their keys.

function showControls(controls) {
  const place = byId("controls");
  const rows = new Map([...place.querySelectorAll(".control")].map((row) => [row.dataset.key, row]));
  const groups = new Map([...place.children].map((group) => [group.dataset.name, group]));
  const after = (element, previous, parent) => {
    if (!element.isConnected) previous ? previous.after(element) : parent.prepend(element);
    return element;
  };
  let group = null;
  let row = null;
  for (const control of controls) {
    if (group?.dataset.name !== control.group) {
      group = after(groups.get(control.group) ?? makeGroup(control.group), group, place);
      row = group.firstElementChild;
    }
    row = after(rows.get(control.key) ?? makeControl(control), row, group);
    rows.delete(control.key);
    setControl(control);
  }
  rows.forEach((gone) => gone.remove());
  groups.forEach((group) => group.childElementCount > 1 || group.remove());
}

function makeGroup(name) {
  const group = make("fieldset", {}, make("legend", { textContent: name }));
  group.dataset.name = name;
  return group;
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
  const { key, least, most, log, whole, caps, also } = control;
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
    const capped = {};
    // Late fusion stays late fusion, and no layer is above the last.
    if (cap && (cap.value === control.value || cap.value > to)) capped[caps] = cap.value = to;
    control.value = to;
    change({ [key]: to, ...also, ...capped });
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

