"""A stand-in for the helper, enough of it to see what the build tool makes of the module's edges.

It keeps to the contract on outputs (one whose content would not change is left alone) and on
depfiles, runs no command, and logs each call in fake.log at the top of the build tree: the verb,
what it was for, and whether it had to do anything. The environment variables FAKE_FAIL (a stage)
and FAKE_SKIP make a stage fail and all be skipped; with FAKE_NEVER the scan is never up to date, as
it is for a source with very many files.
"""

import fnmatch
import hashlib
import json
import os
import sys

SKIP = "mstage: skip: user namespaces are switched off"


def log(build_dir, line):
    with open(os.path.join(build_dir, "fake.log"), "a", encoding="utf-8") as file:
        file.write(line + "\n")


def write_if_different(path, content):
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == content:
                return False
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return True


def escape(path):
    for character in "\\ #":
        path = path.replace(character, "\\" + character)
    return path.replace("$", "$$")


def write_depfile(path, targets, inputs):
    # Ninja's reader of depfiles ends a name at any of these, however they are escaped.
    inputs = [name for name in inputs if not set(name) & set(";*'\"&|<>`^")]
    with open(path, "w", encoding="utf-8") as file:
        file.write(" ".join(map(escape, targets)) + ": " + " ".join(map(escape, inputs)) + "\n")


def names_of(build_dir, output):
    """The output as Ninja calls it and as Makefiles do; either takes the other's for granted."""
    return [os.path.relpath(output, build_dir), output]


def walk(plan):
    for folder, folders, files in os.walk(plan["source"]):
        folders[:] = [f for f in folders
                      if f != ".git" and os.path.join(folder, f) != plan["build_dir"]]
        yield folder, files


def matches(name, patterns):
    return patterns is None or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def scan(plan):
    state = plan["state_dir"]
    seen = []
    digests = {stage["name"]: hashlib.sha256() for stage in plan["stages"]}
    for folder, files in walk(plan):
        seen.append(folder)
        for name in sorted(files):
            path = os.path.join(folder, name)
            seen.append(path)
            with open(path, "rb") as file:
                content = file.read()
            for stage in plan["stages"]:
                if matches(name, stage["inputs"]) and not matches(name, plan["exclude"] or []):
                    digests[stage["name"]].update(path.encode() + b"\0" + content)
    changed = [name for name, digest in digests.items()
               if write_if_different(f"{state}/{name}.inputs", digest.hexdigest() + "\n")]
    if "FAKE_NEVER" in os.environ:
        seen = [f"{state}/never"]
    first = f"{state}/{plan['stages'][0]['name']}.inputs"
    write_depfile(f"{state}/scan.d", names_of(plan["build_dir"], first), seen)
    log(plan["build_dir"], f"scan {plan['pipeline']}: {' '.join(changed) or 'unchanged'}")


def key_of(plan, stage):
    state = plan["state_dir"]
    irrelevant = ("timeout", "target", "live", "inputs", "artifacts")
    parts = {name: value for name, value in stage.items() if name not in irrelevant}
    with open(f"{state}/{stage['from']}.checkpoint", encoding="utf-8") as file:
        parts["parent"] = file.read()
    with open(f"{state}/{stage['name']}.inputs", encoding="utf-8") as file:
        parts["digest"] = file.read()
    for copy in stage["copies"]:
        other = os.path.dirname(copy["plan"]) if copy["plan"] else state
        with open(f"{other}/{copy['checkpoint']}.checkpoint", encoding="utf-8") as file:
            parts["copied"] = parts.get("copied", "") + file.read()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def run_stage(plan, name):
    checkpoint, key = "setup-base", plan["base"]
    for stage in plan["stages"]:
        if stage["name"] == name:
            checkpoint, key = stage["checkpoint"], key_of(plan, stage)
    if "FAKE_SKIP" in os.environ:
        sys.exit(SKIP)
    if os.environ.get("FAKE_FAIL") == name:
        sys.exit(f"mstage: error: stage '{name}' failed")
    marker = f"{plan['state_dir']}/{checkpoint}.checkpoint"
    write_depfile(f"{plan['state_dir']}/{checkpoint}.d", names_of(plan["build_dir"], marker), [])
    done = "run" if write_if_different(marker, key + "\n") else "unchanged"
    log(plan["build_dir"], f"stage {plan['pipeline']}.{name}: {done}")


def copy(arguments):
    options = {}
    while arguments[0].startswith("-"):
        option = arguments.pop(0)
        options[option] = arguments.pop(0)
    *sources, destination = arguments
    os.makedirs(destination, exist_ok=True)
    delivered = []
    for source in sources:
        delivered.append(os.path.join(destination, os.path.basename(source)))
        with open(delivered[-1], "w", encoding="utf-8") as file:
            file.write(source)
    write_depfile(options["--depfile"], [options["--depfile-target"]], delivered)
    with open(options["--stamp"], "w", encoding="utf-8"):
        pass
    log(options["-C"], f"cp {json.dumps(sources, ensure_ascii=False)} {destination}")


def compile_commands(arguments):
    words = list(arguments)
    options = {}
    while words[0].startswith("-"):
        option = words.pop(0)
        options[option] = words.pop(0)
    os.makedirs(os.path.dirname(words[1]), exist_ok=True)
    with open(words[1], "w", encoding="utf-8") as file:
        file.write("[]")
    write_depfile(options["--depfile"], [options["--depfile-target"]], [words[1]])
    with open(options["--stamp"], "w", encoding="utf-8"):
        pass
    # A list of CMake's, which the log is read into, is cut at each ';'.
    log(options["-C"], "compile-commands " + " ".join(words).replace(";", "%3B"))


def run_test(plan, name):
    log(plan["build_dir"], f"test {name}")
    if "FAKE_SKIP" in os.environ:
        sys.exit(SKIP)
    if name not in [test["name"] for test in plan["tests"]]:
        sys.exit(f"mstage: error: no test '{name}'")


def for_people(arguments):
    tree, *words = arguments
    if words == ["status"]:
        print("status of", tree)
    else:
        log(tree, " ".join(words))


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(arguments):
    verb = arguments.pop(0)
    if verb == "scan":
        scan(load(arguments[0]))
    elif verb == "stage":
        run_stage(load(arguments[0]), arguments[1])
    elif verb == "compile-commands":
        compile_commands(arguments)
    elif verb == "cp":
        copy(arguments)
    elif verb == "run" and arguments[0] == "--plan":
        _, plan, _, test, _ = arguments  # --plan PLAN --test NAME --ctest
        run_test(load(plan), test)
    elif verb == "run":
        log(arguments[1], "run " + " ".join(arguments))  # -C BUILD ...
    elif verb in ("completion", "__manual"):
        print(verb, *arguments)
    elif verb == "-C" and "report" in arguments:
        print("report", arguments[-1], "in", arguments[0])
    elif verb == "-C" and "prompt" in arguments:
        print(*arguments[-3:], "in", arguments[0])
    elif verb == "-C":
        for_people(arguments)
    else:
        sys.exit(f"mstage: error: unknown verb '{verb}'")


main(sys.argv[1:])
