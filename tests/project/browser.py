"""Opens a page in a headless Chromium that reaches no network, and prints what JavaScript expressions say there.

browser.py [--width PIXELS] [--dark] [--json NAME=FILE]... PAGE EXPRESSION...

The expressions are evaluated in the page when that is loaded, one after the other, and the value of each is printed as a
line of JSON; `await` may be in them. Each --json is a global variable with the content of a file. An error in the page, and what its policy forbids, are errors.
"""

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile

WATCH = """<script>
window.troubles = [];
addEventListener("error", (event) => troubles.push(event.message || "a part could not be loaded"), true);
addEventListener("unhandledrejection", (event) => troubles.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => troubles.push(`${event.violatedDirective}: ${event.blockedURI}`));
</script>"""

ASK = """<script>
addEventListener("load", async () => {
  const told = { values: [] };
  try {
    for (const expression of [EXPRESSIONS]) told.values.push(await expression());
  } catch (error) {
    told.error = String(error);
  }
  told.troubles = troubles;
  top.document.documentElement.setAttribute("data-told", JSON.stringify(told));
});
</script>"""


def in_script(text):
    return text.replace("<", "\\u003c")


def page_with(arguments):
    with open(arguments.page, encoding="utf-8") as file:
        page = file.read()
    data = ""
    for pair in arguments.json:
        name, path = pair.split("=", 1)
        with open(path, encoding="utf-8") as file:
            data += f"<script>window.{name} = {in_script(json.dumps(json.load(file)))};</script>"
    page = page.replace("<head>", "<head>" + WATCH + data, 1)
    expressions = ", ".join(f"async () => ({expression})" for expression in arguments.expressions)
    page = page.replace("</body>", ASK.replace("EXPRESSIONS", expressions) + "</body>", 1)
    if arguments.width:
        # A window cannot be that narrow.
        page = (f'<!DOCTYPE html><body style="margin:0"><iframe style="border:0;width:{arguments.width}px;height:900px" '
                f'srcdoc="{html.escape(page)}"></iframe></body>')
    return page


def dom_of(page, dark):
    with tempfile.TemporaryDirectory(prefix="browser.", dir=os.environ.get("work")) as directory:
        path = os.path.join(directory, "page.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,900",
                   f"--user-data-dir={directory}/profile", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                   "--virtual-time-budget=20000", "--dump-dom", "file://" + path]
        environment = dict(os.environ, HOME=directory, XDG_RUNTIME_DIR=directory)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        sys.exit(f"chromium ended with {done.returncode}: {done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--json", action="append", default=[])
    parser.add_argument("page")
    parser.add_argument("expressions", nargs="+")
    arguments = parser.parse_args()
    told = re.search(r'<html[^>]* data-told="([^"]*)"', dom_of(page_with(arguments), arguments.dark))
    if told is None:
        sys.exit("the page told nothing")
    answer = json.loads(html.unescape(told.group(1)))
    if answer.get("error") or answer["troubles"]:
        sys.exit(f"trouble in the page: {answer.get('error')} {answer['troubles']}")
    for value in answer["values"]:
        print(json.dumps(value, ensure_ascii=False))


main()
