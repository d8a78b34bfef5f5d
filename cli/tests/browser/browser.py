"""The page of `modalflow explore` in Debian's Chromium: every control, wrong input, pin, downloads, address, windows, speed.

    python cli/tests/browser/browser.py [DRAGS]

`make browser` calls it. Screenshots to look at go to target/browser/pictures.
"""

import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "target" / "release" / "modalflow"
PICTURES = ROOT / "target" / "browser" / "pictures"
DRAGS = int(sys.argv[1]) if len(sys.argv) > 1 else 500

# Sets a slider as a hand does, and waits until a picture is there that was asked for after it.
DRAG = """async ([key, place]) => {
  const slider = document.querySelector(`.control[data-key="${key}"] [type=range]`);
  const now = document.getElementById("now");
  const before = Number(now.dataset.number);
  const begin = performance.now();
  slider.value = Number(slider.min) + place * (slider.max - slider.min);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (!(Number(now.dataset.number) > before)) {
    if (!document.getElementById("fault-text").hidden || performance.now() - begin > 5000) return null;
    await new Promise((next) => setTimeout(next, 1));
  }
  // Until it is painted.
  await new Promise((next) => requestAnimationFrame(() => setTimeout(next, 0)));
  return performance.now() - begin;
}"""


@contextmanager
def explored(*arguments):
    """The address of a running page, its process, and when it was started."""
    began = time.perf_counter()
    command = [PROGRAM, "explore", "--quiet", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip(), process, began
    finally:
        process.terminate()
        process.wait()


def until(page, condition):
    """Waits for a condition. Playwright's own way evaluates a string in the page, which its policy forbids."""
    wait = "while (!(%s)) await new Promise((next) => setTimeout(next, 5));"
    page.evaluate("async () => { " + wait % condition + " }")


def settled(page):
    """Waits until nothing is on the way."""
    until(page, "underWay === 0 && asked === sent && answered === asked")


def choose(page, lesson):
    page.select_option("#lesson", lesson)
    settled(page)


def with_samples(page):
    """A lesson that has samples, and so a choice of activations."""
    choose(page, "late_fusion")
    page.fill("#text", page.input_value("#text").replace("rho: 0.0", "rho: 0.0, samples: 30"))
    page.wait_for_selector('.control[data-key="data.toy.samples"]')
    settled(page)


def check_controls(page):
    """Every control of a lesson, moved by hand and by keys, changes the text."""
    with_samples(page)
    keys = page.eval_on_selector_all(".control", "all => all.map(each => each.dataset.key)")
    assert len(keys) > 18, keys
    for key in keys:
        with_samples(page)
        row = page.locator(f'.control[data-key="{key}"]')
        if row.locator("[type=checkbox]").count():
            row.locator("[type=checkbox]").check()
            settled(page)
        before = page.input_value("#text")
        if row.locator("select").count():
            row.locator("select").select_option(index=1)
        else:
            page.evaluate(DRAG, [key, 0.3])
            for press in ["ArrowLeft", "ArrowRight", "ArrowRight", "PageDown"]:
                row.locator("[type=range]").press(press)
        settled(page)
        assert page.input_value("#text") != before, key
    return len(keys)


# The ends and the middle of every control, each from the lesson: what leads to a fault.
RANGES = """async (lesson) => {
  const faults = [];
  const settle = async () => {
    while (!(underWay === 0 && asked === sent && answered === asked)) await new Promise((next) => setTimeout(next, 2));
  };
  const keys = [...document.querySelectorAll(".control")].map((row) => row.dataset.key);
  for (const key of keys) {
    for (const place of [0, 0.5, 1]) {
      start(lessons.find(({ name }) => name === lesson).text);
      await settle();
      const row = document.querySelector(`.control[data-key="${key}"]`);
      const box = row.querySelector("[type=checkbox]");
      if (box && !box.checked) { box.click(); await settle(); }
      const slider = row.querySelector("[type=range]");
      const select = row.querySelector("select");
      if (slider) {
        slider.value = Number(slider.min) + place * (slider.max - slider.min);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      } else {
        select.selectedIndex = Math.round(place * (select.options.length - 1));
        select.dispatchEvent(new Event("change", { bubbles: true }));
      }
      await settle();
      const fault = document.getElementById("fault-text");
      if (!fault.hidden) faults.push(`${key} at ${place}: ${fault.textContent}`);
    }
  }
  return [keys.length, faults];
}"""


def check_lessons(page):
    """Each lesson is found by its name, and none of its controls ends in a fault anywhere in its range."""
    names = page.eval_on_selector_all("#lesson option", "all => all.slice(1).map(each => each.value)")
    assert len(names) == 5, names
    for name in names:
        choose(page, name)
        assert page.input_value("#lesson") == name and page.inner_text("#sentence") != ""
        page.screenshot(path=PICTURES / f"lesson-{name}.png", full_page=True)
        count, faults = page.evaluate(RANGES, name)
        assert count > 14 and not faults, (name, faults)


def check_comments(page):
    """A control changes a value where it stands; a key that is new costs the comments, and the page says so."""
    choose(page, "late_fusion")
    page.fill("#text", "# why\n" + page.input_value("#text"))
    page.wait_for_selector("#anew", state="visible")
    settled(page)
    page.evaluate(DRAG, ["data.toy.rho", 0.7])
    settled(page)
    assert page.input_value("#text").startswith("# why\n")
    page.evaluate(DRAG, ["flow.weight_decay", 0.2])
    settled(page)
    assert "#" not in page.input_value("#text") and "without its comments" in page.inner_text("#status")
    assert page.is_hidden("#anew")


# Moves a slider so often, and counts the pictures that come.
MOVES = """(times) => {
  window.came = 0;
  (async () => {
    for (let i = 0; i < times; i++) { if ((await (%s)(["data.toy.rho", 0.3 + 0.04 * i])) !== null) window.came++; }
  })();
}""" % DRAG


def run_into_budget(page):
    """A state whose run is cut short: small steps of descent take until the budget's end."""
    choose(page, "depth")
    page.locator('.control[data-key="descent.learning_rate"] [type=checkbox]').check()
    settled(page)
    page.evaluate(DRAG, ["descent.learning_rate", 0.0])
    settled(page)
    assert "Cut short" in page.inner_text("#now .cut")


def check_windows(page, context, address):
    """Two windows whose runs take long both come to their pictures."""
    other = context.new_page()
    other.goto(address)
    other.wait_for_selector("#now[data-number]")
    for window in (page, other):
        run_into_budget(window)
    for window in (page, other):
        window.evaluate(MOVES, 4)
    for window in (page, other):
        until(window, "window.came === 4")
    other.close()


def check_cut(context):
    """A download of a run that was cut short says so, and so does the page."""
    with explored("--budget", "0.02") as (address, _, _):
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#now[data-number]")
        run_into_budget(page)
        with page.expect_download() as arrived:
            page.click("#csv")
        assert Path(arrived.value.path()).read_text().startswith("# Cut short after 0.02 s")
        until(page, "document.getElementById('status').textContent.includes('Cut short')")
        page.screenshot(path=PICTURES / "cut.png")
        page.close()


def check_wrong_input(page):
    """A fault stands at its control and under the text with its line; the last good picture stays."""
    choose(page, "late_fusion")
    drawn = "picture => picture.innerHTML"
    picture = page.eval_on_selector("#now svg", drawn)
    page.fill('.control[data-key="data.toy.rho"] [type=number]', "2")
    page.wait_for_selector('.control[data-key="data.toy.rho"] .fault')
    assert "line" in page.inner_text("#fault-text")
    assert page.eval_on_selector("#now svg", drawn) == picture
    page.click("#goto")
    chosen = "text => text.value.slice(text.selectionStart, text.selectionEnd)"
    assert "rho: 2" in page.eval_on_selector("#text", chosen)
    page.screenshot(path=PICTURES / "fault.png", full_page=True)
    page.fill("#text", "seed: [")
    until(page, "document.getElementById('fault-text').textContent.includes('line 1:')")
    choose(page, "late_fusion")
    assert page.is_hidden("#fault-text")


def check_pin(page):
    """What is pinned stays beside what changes."""
    choose(page, "late_fusion")
    pinned = page.inner_text("#now .headline")
    page.click("#pin")
    page.evaluate(DRAG, ["data.toy.rho", 0.9])
    settled(page)
    assert pinned in page.inner_text("#pinned .headline")
    assert pinned not in page.inner_text("#now .headline")
    assert page.locator("#pinned svg").count() == page.locator("#now svg").count() == 2
    page.screenshot(path=PICTURES / "pinned.png", full_page=True)
    page.click("#pin")
    assert page.is_hidden("#pinned")


def check_downloads(page):
    """PNG, SVG and CSV are what they are called, and the copy is the text."""
    choose(page, "correlation")
    arrived = []
    page.on("download", lambda download: arrived.append(download))
    for button, start, count in [("#png", b"\x89PNG", 2), ("#svg", b"<svg", 2), ("#csv", b"t,loss,", 1)]:
        page.click(button)
        while len(arrived) < count:
            page.wait_for_timeout(20)
        for download in arrived:
            content = Path(download.path()).read_bytes()
            assert start in content[:400], (button, content[:80])
            assert download.suggested_filename.endswith(button[1:])
        arrived.clear()
    page.click("#copy")
    assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#text")


def check_address(page, context):
    """The address gives the same state in another window."""
    choose(page, "depth")
    page.evaluate(DRAG, ["network.fusion_layer", 0.4])
    settled(page)
    page.wait_for_timeout(400)
    other = context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#now[data-number]")
    assert other.input_value("#text") == page.input_value("#text")
    assert other.inner_text("#now .headline") == page.inner_text("#now .headline")
    # Another address in the same window: here that of a lesson.
    other.evaluate("location.hash = encode(lessons[2].text)")
    until(other, "document.getElementById('lesson').value === lessons[2].name")
    settled(other)
    assert other.inner_text("#sentence") == other.evaluate("lessons[2].sentence")
    assert other.input_value("#text") == other.evaluate("lessons[2].text")
    other.evaluate("location.hash = '%'")
    until(other, "document.getElementById('status').textContent.includes('no state')")
    other.close()


def check_phone(page):
    """Nothing is wider than a phone, and what is reached by keys is not under the figure."""
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    widths = "all => all.map(each => each.getBoundingClientRect().width)"
    assert max(page.eval_on_selector_all("#now svg", widths)) <= 390
    assert page.get_attribute("#now svg", "width") == "440"
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=PICTURES / f"phone-{scheme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.focus('.control[data-key="data.toy.rho"] [type=range]')
    place = "input => input.getBoundingClientRect().top - document.getElementById('results').getBoundingClientRect().bottom"
    assert page.eval_on_selector('.control[data-key="data.toy.rho"] [type=range]', place) >= 0
    page.screenshot(path=PICTURES / "phone-focus.png")
    page.set_viewport_size({"width": 1400, "height": 1000})
    settled(page)
    page.screenshot(path=PICTURES / "dark.png")
    page.emulate_media(color_scheme="light")
    page.screenshot(path=PICTURES / "light.png")


def measure(page, lesson, drags):
    """Milliseconds from a control's event to the painted picture, over drags of several controls."""
    choose(page, lesson)
    keys = ["data.toy.rho", "data.toy.sigma.B", "data.toy.target.B", "seed"]
    times = []
    for i in range(drags):
        # Places that fill the middle of the slider evenly, never twice the same.
        place = 0.1 + 0.8 * ((i * 0.618034) % 1.0)
        took = page.evaluate(DRAG, [keys[(i // 25) % len(keys)], place])
        if took is None:
            page.wait_for_timeout(50)
            continue
        times.append(took)
    times.sort()
    median, late = statistics.median(times), times[int(0.95 * len(times))]
    print(f"{lesson}: {len(times)} drags, median {median:.1f} ms, 95 % {late:.1f} ms, most {times[-1]:.1f} ms")


def resident(process):
    """Megabytes of memory of a process, where the system tells."""
    status = Path(f"/proc/{process.pid}/status")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else float("nan")


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        firsts = []
        for _ in range(5):
            with explored() as (address, _, began):
                page.goto(address)
                page.wait_for_selector("#now[data-number]")
                firsts.append(1000 * (time.perf_counter() - began))
        print(f"start of the program to the first picture: median {statistics.median(firsts):.0f} ms of {len(firsts)}")
        with explored() as (address, process, _):
            page.goto(address)
            page.wait_for_selector("#now[data-number]")
            print(f"{check_controls(page)} controls")
            check_wrong_input(page)
            check_comments(page)
            check_lessons(page)
            check_pin(page)
            check_downloads(page)
            check_address(page, context)
            check_windows(page, context, address)
            check_cut(context)
            check_phone(page)
            before = resident(process)
            for lesson in ["late_fusion", "depth"]:
                measure(page, lesson, DRAGS)
            print(f"memory: {before:.0f} MB before the drags, {resident(process):.0f} MB after")
        assert not said, said
        browser.close()
    print("every check holds")


if __name__ == "__main__":
    main()
