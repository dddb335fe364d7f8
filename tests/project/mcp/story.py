"""Follows the prompt multi-stage-build of the server to the letter, call by call, on a project whose build is broken at first:

story.py PROJECT BROKEN_FILE INSTALL BUILD TEST ERROR

BROKEN_FILE is a file of the project, and beside it is what mends it, BROKEN_FILE.mended. The output of the broken build has
ERROR. All that is known from one call to the next is what the instructions say, and what calls returned.
"""

import os
import re
import sys
import unittest

import instructions
from instructions import Name, Unreadable
from server import Server, ToolError

PROJECT, BROKEN_FILE, INSTALL, BUILD, TEST, ERROR = sys.argv[1:7]


class Reader:
    """Who follows the instructions."""

    def __init__(self, server, text, source):
        self.server = server
        self.text = text
        self.stages = instructions.parse_stages(text)
        self.values = {"PROJECT": os.path.basename(source).lower()}
        self.env = {}
        self.calls = []  # tool, arguments

    def filled(self, value):
        if isinstance(value, Name):
            if value.name not in self.values:
                raise Unreadable(f"{value.name} is asked for before it is known")
            return self.values[value.name]
        if isinstance(value, str):
            return re.sub(r"\bPROJECT\b", self.values["PROJECT"], value)
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return value

    def call(self, call, **more):
        arguments = {name: self.filled(value) for name, value in {**call.arguments, **more}.items()}
        if call.tool == "run" and self.env:
            arguments["env"] = self.env
        self.calls.append((call.tool, arguments))
        return self.server.call(call.tool, **arguments)

    def keep(self, step, result):
        for name, of_result in step.keeps.items():
            if result.get(of_result) is None:
                raise Unreadable(f"{name} is to be the '{of_result}' of {result}")
            self.values[name] = result[of_result]

    def step(self, stage, wanted):
        """The step of a stage that calls this tool."""
        for step in stage.steps:
            if any(call.tool == wanted for call in step.calls):
                return step
        raise Unreadable(f"no step of stage {stage.number} calls {wanted}")

    # --- Stage 1 ----------------------------------------------------------------------------------------------

    def base(self):
        stage = self.stages[0]
        check, imports = self.step(stage, "get_image"), self.step(stage, "import_image")
        try:
            self.keep(check, self.call(check.calls[0]))
        except ToolError:
            # There is no registry here: the last way that is named is for that.
            self.keep(imports, self.call([call for call in imports.calls if call.tool == "import_image"][-1]))
            always = re.search(r"pass `env=(\{.*?\})` with every run below", imports.text)
            self.env = instructions.parse_argument(f"env={always[1]}")[1] if always else {}
        self.sync()

    def sync(self):
        step = self.step(self.stages[0], "rsync")
        result = self.call(step.calls[0])
        self.keep(step, result)

    # --- Stages 2 to 4 ----------------------------------------------------------------------------------------

    def run_stage(self, number, **more):
        """Makes the call of the stage; keeps what it is good for, and says whether it was."""
        stage = self.stages[number - 1]
        result = self.call(self.step(stage, "run").calls[0], **more)
        good = result["exit_code"] == 0 and not result["timed_out"]
        if good and stage.checkpoint:
            step = self.step(stage, "set_tag")
            if not step.text.split(" ", 1)[1].startswith("Good:"):
                raise Unreadable(f"step '{step.text}' is not what to do when stage {number} is good")
            self.keep(step, result)
            for call in step.calls:
                self.call(call)
        return good, result

    def points_after_failure(self, number):
        """The rollback points that the stage's step for a failure names, and the image to retry from."""
        stage = self.stages[number - 1]
        step = next((step for step in stage.steps if re.match(r"\d+\. Not good:", step.text)), None)
        if not step:
            raise Unreadable(f"stage {number} says nothing about a failure")
        names = {stage.checkpoint: name for stage in self.stages[:number] for step in stage.steps for name in step.keeps
                 if stage.checkpoint}
        points = {}
        for match in re.finditer(r"`([\w-]+)`|\bBASE\b", step.text):
            if match[0] == "BASE":
                points["BASE"] = self.values["BASE"]
            elif match[1] in names:
                points[match[1]] = self.values[names[match[1]]]
        retry = re.search(r"`image=([A-Z_]+)`", step.text)
        return points, self.values[retry[1]] if retry else None


class Story(unittest.TestCase):
    def test_it(self):
        with Server("--root", os.path.dirname(PROJECT)) as server:
            self.server = server
            server.deadline = 840
            got = server.request("prompts/get", {"name": "multi-stage-build", "arguments": {
                "source": PROJECT, "install_cmd": INSTALL, "build_cmd": BUILD, "test_cmd": TEST}})
            self.assertEqual(["user"], [message["role"] for message in got["messages"]])
            self.text = got["messages"][0]["content"]["text"]
            self.reader = Reader(server, self.text, PROJECT)
            self.reads_as_it_was_meant()
            self.reader.base()
            self.install()
            self.broken_build()
            self.mend()
            self.build_again()
            self.run_the_tests()
            self.nothing_was_repeated()

    def reads_as_it_was_meant(self):
        stages = self.reader.stages
        self.assertEqual([None, "deps-installed", "build-complete", None], [stage.checkpoint for stage in stages])
        calls = [self.reader.step(stage, "run").calls[0].arguments for stage in stages[1:]]
        self.assertEqual([INSTALL, BUILD, TEST], [call["command"].rstrip("\n") for call in calls])
        self.assertEqual([False, False, True], [call["disposable"] for call in calls])
        self.assertEqual([Name("BASE"), Name("DEPS_IMAGE"), Name("BUILD_IMAGE")], [call["image"] for call in calls])
        self.assertEqual(PROJECT, self.reader.step(stages[0], "rsync").calls[0].arguments["source"])

    def install(self):
        good, result = self.reader.run_stage(2)
        self.assertTrue(good, result)
        values = self.reader.values
        tagged = self.server.call("get_image", image=f"tag:{values['PROJECT']}/deps-installed")
        self.assertEqual(values["DEPS_IMAGE"], tagged["uuid"])
        self.assertEqual(values["BASE"], self.server.call("get_image", image=values["BASE"])["uuid"])

    def broken_build(self):
        good, result = self.reader.run_stage(3)
        self.assertFalse(good)
        self.assertIsNone(result["result_image"])
        points, retry = self.reader.points_after_failure(3)
        values = self.reader.values
        # What is to be reported: the stage, its command, how it ended, what it said; ...
        demanded = instructions.section(self.text, "What to report")
        for word in ["command", "exit_code", "last lines of its output", "rollback points", "FAILED_STATE", "resume"]:
            self.assertIn(word, demanded)
        self.assertEqual(BUILD, result["command"].rstrip("\n"))
        self.assertNotEqual(0, result["exit_code"])
        self.assertIn(ERROR, result["stdout"] + result["stderr"])
        # ... the points that are left, which are there; ...
        self.assertEqual({"deps-installed": values["DEPS_IMAGE"], "BASE": values["BASE"]}, points)
        for uuid in points.values():
            self.assertTrue(self.server.call("run", image=uuid, command="true")["ok"])
        # ... and the next call.
        self.assertEqual(values["DEPS_IMAGE"], retry)
        self.look_into(result)

    def look_into(self, result):
        strategy = instructions.section(self.text, "Rollback strategy")
        self.assertIn("`failed_state`", strategy)
        self.reader.values["FAILED_STATE"] = result["failed_state"]
        looks = [call for call in map(instructions.parse_call, re.findall(r"`([^`]+)`", strategy)) if call]
        self.assertEqual(["list_files"], [call.tool for call in looks if call.arguments.get("image") == Name("FAILED_STATE")])
        for call in looks:
            self.assertTrue(self.reader.call(call)["files"])
        seen = self.server.call("read_file", image=result["failed_state"], path=f"/app/{BROKEN_FILE}", limit=1 << 20)
        with open(f"{PROJECT}/{BROKEN_FILE}", encoding="utf-8") as file:
            self.assertEqual(file.read(), seen["content"])

    def mend(self):
        os.replace(f"{PROJECT}/{BROKEN_FILE}.mended", f"{PROJECT}/{BROKEN_FILE}")
        strategy = " ".join(instructions.section(self.text, "Rollback strategy").split())
        found = re.search(r"After a change of the source call `rsync` again, and pass the new `(\w+)` once, .*?"
                          r"else stage (\d) on (\w+)\.", strategy)
        self.assertTrue(found, strategy)
        self.assertEqual(("directory_state_id", "3", "DEPS_IMAGE"), found.groups())
        before = self.reader.values["SOURCE_STATE"]
        self.reader.sync()
        self.assertNotEqual(before, self.reader.values["SOURCE_STATE"])

    def build_again(self):
        deps = self.reader.values["DEPS_IMAGE"]
        good, result = self.reader.run_stage(3, directory_state_id=Name("SOURCE_STATE"))
        self.assertTrue(good, result)
        self.assertEqual(deps, result["image"])
        self.assertEqual(deps, self.reader.values["DEPS_IMAGE"])
        self.assertTrue(result["filesystem_changed"])

    def files_of(self, image):
        return self.server.call("list_files", image=image, path="/", recursive=True, limit=100000)["files"]

    def run_the_tests(self):
        image = self.reader.values["BUILD_IMAGE"]
        before, known = self.files_of(image), self.server.call("get_image", image=image)
        good, result = self.reader.run_stage(4)
        self.assertTrue(good, result)
        self.assertIsNone(result["result_image"])
        self.assertIn("passed", result["stdout"])
        self.assertEqual(known, self.server.call("get_image", image=image))
        self.assertEqual(before, self.files_of(image))

    def nothing_was_repeated(self):
        operations = [self.server.call("get_operation", operation_id=one["operation_id"])
                      for one in self.server.call("list_operations", type="run", limit=1000)["operations"]]
        commands = [operation["command"].rstrip("\n") for operation in operations]
        self.assertEqual([1, 2, 1], [commands.count(command) for command in [INSTALL, BUILD, TEST]])
        built = [operation["image"] for operation in operations if operation["command"].rstrip("\n") == BUILD]
        self.assertEqual([self.reader.values["DEPS_IMAGE"]] * 2, built)
        # The whole way from the build to the base can be walked back.
        image = self.server.call("get_image", image=self.reader.values["BUILD_IMAGE"])
        way = [image["uuid"]]
        while image["parent"]:
            image = self.server.call("get_image", image=image["parent"])
            way.append(image["uuid"])
        self.assertEqual([self.reader.values[name] for name in ["BUILD_IMAGE", "DEPS_IMAGE", "BASE"]],
                         [uuid for uuid in way if uuid in self.reader.values.values()])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
