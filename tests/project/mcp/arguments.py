"""Wrong arguments of every tool, made from its inputSchema: each is an error that names what is wrong, and how to mend it.

In the working directory there is a configured build tree, build, and in the store an image, tag:base.
"""

import os
import unittest

import schema
from server import Server, ToolError

IMAGE = "tag:base"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

# Arguments of each tool that would be good.
GOOD = {
    "run": {"image": IMAGE, "command": "true"},
    "rsync": {"source": os.getcwd()},
    "import_image": {"registry_url": "rootfs:" + os.getcwd()},
    "list_images": {},
    "get_image": {"image": IMAGE},
    "set_tag": {"image_uuid": IMAGE, "tag": "another"},
    "list_files": {"image": IMAGE},
    "read_file": {"image": IMAGE, "path": "/etc/passwd"},
    "upload": {"content": "text"},
    "download": {"image": IMAGE, "path": "/etc/passwd", "destination": os.path.abspath("downloaded")},
    "get_operation": {"operation_id": UNKNOWN},
    "list_operations": {},
    "wait_operations": {"operation_ids": [UNKNOWN]},
    "cancel_operation": {"operation_id": UNKNOWN},
    "get_guide": {},
    "pipeline_status": {},
    "build": {"checkpoint": "build-complete"},
    "why": {"checkpoint": "build-complete"},
    "diff": {"before": IMAGE, "after": IMAGE},
    "history": {},
    "rollback": {"checkpoint": "build-complete"},
    "shell_command": {"image": IMAGE},
}

# What is a string and still wrong.
WRONG_TEXTS = {
    "image": ["tag:no-such", UNKNOWN, "no-such", "tag:", "../x", "a\0b", "x" * 100000, "tag:../../x"],
    "image_uuid": ["tag:no-such", UNKNOWN, "no-such"],
    "before": ["tag:no-such", UNKNOWN],
    "after": ["tag:no-such", UNKNOWN],
    "operation_id": [UNKNOWN, "no-such", "../../images", "/", "a\0b"],
    "build_dir": ["/no/such", "relative", "/", "a\0b"],
    "since": ["yesterday", "", "5 bananas", "-1h", "2026-13-45T00:00:00Z"],
    "until": ["yesterday", ""],
    "section": ["no-such", ""],
    "source": ["relative", "/no/such", "a\0b"],
    "registry_url": ["rootfs:/no/such", "oci:/no/such", "docker-archive:/no/such", "nonsense:x", "tag:no-such", "docker://", "a b"],
    "checkpoint": ["no-such", "build-complete@-1000", "--help", "-t", "a\0b"],
    "content_base64": ["%%%", "ä"],
    "tag": ["with space", "-x", "ä"],
}
# These tools are about a build tree; others look at it only when their image is named by a checkpoint.
OF_A_BUILD_TREE = ["pipeline_status", "build", "why", "history", "rollback"]


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("-C", os.path.abspath("build"), "--root", os.getcwd())
        cls.tools = cls.server.tools()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def is_wrong(self, tool, arguments, operand):
        with self.subTest(tool=tool, arguments=str(arguments)[:200]):
            text = self.server.error(tool, **arguments)
            self.assertIn(operand, text)
        self.assertEqual({}, self.server.request("ping"))

    def test_every_error_has_a_remedy(self):
        for tool, wrong in [
                ("run", {"timeout": "long"}), ("run", {"frobnicate": 1}), ("run", {"image": "tag:no-such"}),
                ("run", {"image": UNKNOWN}), ("run", {"directory_state_id": 4711}), ("run", {"files": {"/a": UNKNOWN}}),
                ("run", {"files": {"a": UNKNOWN}}), ("run", {"args": ["x"]}), ("run", {"build_dir": "/no/such"}),
                ("run", {"env": {"A=B": "x"}}), ("rsync", {"source": "relative"}), ("rsync", {"source": "/no/such"}),
                ("read_file", {"path": "relative"}), ("read_file", {"path": "/no/such"}), ("read_file", {"path": "/etc"}),
                ("list_files", {"path": "/no/such"}), ("download", {"destination": "relative"}),
                ("upload", {"content_base64": "YQ=="}), ("import_image", {"registry_url": "rootfs:/no/such"}),
                ("import_image", {"registry_url": "host"}), ("get_operation", {}), ("wait_operations", {}),
                ("cancel_operation", {}), ("list_images", {"since": "yesterday"}), ("get_guide", {"section": "no-such"}),
                ("build", {"checkpoint": "no-such"}), ("why", {"checkpoint": "no-such"}), ("history", {"checkpoint": "no-such"}),
                ("rollback", {"to": "@-1000"}), ("pipeline_status", {"build_dir": "/"})]:
            with self.subTest(tool=tool, wrong=wrong):
                lines = self.server.error(tool, **{**GOOD[tool], **wrong}).strip().split("\n")
                self.assertGreater(len(lines), 1, lines)

    def test_every_tool_is_there(self):
        self.assertEqual(set(GOOD), set(self.tools))
        self.assertEqual(22, len(GOOD))

    def test_the_schemas_allow_what_is_good(self):
        for tool, arguments in GOOD.items():
            schema.check(arguments, self.tools[tool]["inputSchema"], tool)
            self.assertIs(False, self.tools[tool]["inputSchema"]["additionalProperties"], tool)
            self.assertEqual("object", self.tools[tool]["outputSchema"]["type"], tool)

    def test_wrong_types_and_bounds(self):
        for tool, good in GOOD.items():
            for name, field in self.tools[tool]["inputSchema"].get("properties", {}).items():
                required = name in self.tools[tool]["inputSchema"].get("required", [])
                for wrong in schema.wrong_values(field):
                    # Models write null for what they leave out.
                    if wrong is not None or required:
                        self.is_wrong(tool, {**good, name: wrong}, name)

    def test_null_is_nothing(self):
        self.assertEqual("workflow", self.server.call("get_guide", section=None)["section"])
        self.assertTrue(self.server.call("run", **GOOD["run"], timeout=None, env=None, cwd=None, build_dir=None)["ok"])

    def test_wrong_types_inside(self):
        for name in ["env", "files"]:
            for wrong in [None, 1, True, [], {}]:
                self.is_wrong("run", {**GOOD["run"], name: {"/a": wrong}}, name)
        for wrong in [None, 1, True, [], {}]:
            self.is_wrong("run", {**GOOD["run"], "shell": False, "args": ["a", wrong]}, "args")
            self.is_wrong("rsync", {**GOOD["rsync"], "exclude": [wrong]}, "exclude")
            self.is_wrong("wait_operations", {"operation_ids": [wrong]}, "operation_ids")

    def test_arguments_that_are_missing(self):
        for tool, good in GOOD.items():
            for name in self.tools[tool]["inputSchema"].get("required", []):
                self.is_wrong(tool, {key: value for key, value in good.items() if key != name}, name)

    def test_arguments_that_are_not_known(self):
        for tool, good in GOOD.items():
            self.is_wrong(tool, {**good, "frobnicate": 1}, "has no argument 'frobnicate'")

    def test_texts_that_are_wrong(self):
        for tool, good in GOOD.items():
            for name in self.tools[tool]["inputSchema"].get("properties", {}):
                if name == "build_dir" and tool not in OF_A_BUILD_TREE:
                    continue
                for wrong in WRONG_TEXTS.get(name, []):
                    # Of what is long, or cannot be printed, the beginning is enough; what kind it is may be said elsewhere.
                    operand = wrong.split(":", 1)[-1][:20].split("\0")[0]
                    others = {} if name == "content_base64" else good
                    self.is_wrong(tool, {**others, name: wrong}, operand)

    def test_no_text_brings_it_down(self):
        """A NUL byte, an option, a very long one, in each place where there may be a text."""
        for tool, good in GOOD.items():
            for name, field in self.tools[tool]["inputSchema"].get("properties", {}).items():
                if "string" not in schema.types_of(field) or name == "registry_url":
                    continue
                for text in ["a\0b", "--version", "\n", "\u2028\U0001f600", "../" * 50, "x" * 1000000]:
                    with self.subTest(tool=tool, field=name, text=text[:20]):
                        try:
                            self.server.call(tool, **{**good, name: text})
                        except ToolError as error:
                            self.assertTrue(error.text)
                            self.assertLess(len(error.text.encode()), 8192, "of an error")
                    self.assertEqual({}, self.server.request("ping"))

    def test_no_number_brings_it_down(self):
        for tool, good in GOOD.items():
            for name, field in self.tools[tool]["inputSchema"].get("properties", {}).items():
                if not {"integer", "number"} & set(schema.types_of(field)):
                    continue
                for number in [2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 1e-9, 1e300]:
                    with self.subTest(tool=tool, field=name, number=number):
                        try:
                            self.server.call(tool, **{**good, name: number})
                        except ToolError as error:
                            self.assertTrue(error.text)
                    self.assertEqual({}, self.server.request("ping"))

    def test_ids_that_no_kernel_has(self):
        for number in [2**32 - 1, 2**32, 2**32 + 7, 2**63]:
            self.is_wrong("run", {**GOOD["run"], "command": "id -u", "uid": number}, "uid")
            self.is_wrong("run", {**GOOD["run"], "command": "id -g", "gid": number}, "gid")

    def test_nothing_to_upload_and_too_much(self):
        self.is_wrong("upload", {}, "content")
        self.is_wrong("upload", {"content": "a", "content_base64": "YQ=="}, "content")

    def test_rollback_without_anything_to_do(self):
        self.is_wrong("rollback", {}, "checkpoint")
        self.is_wrong("rollback", {"checkpoint": "no-such"}, "no-such")
        self.is_wrong("history", {"checkpoint": "no-such"}, "no-such")
        self.is_wrong("rollback", {"checkpoint": "build-complete", "to": "@-1000"}, "@-1000")

    def test_paths_in_an_image(self):
        for path in ["relative", "/no/such", "/etc/passwd/x"]:
            self.is_wrong("read_file", {"image": IMAGE, "path": path}, path)
            self.is_wrong("list_files", {"image": IMAGE, "path": path}, path)
            self.is_wrong("download", {**GOOD["download"], "path": path}, path)
        self.is_wrong("read_file", {"image": IMAGE, "path": "/etc"}, "/etc")

    def test_runs_that_cannot_be(self):
        run = GOOD["run"]
        self.is_wrong("run", {**run, "directory_state_id": 4711}, "4711")
        self.is_wrong("run", {**run, "files": {"/a": UNKNOWN}}, UNKNOWN)
        upload = self.server.call("upload", content="x")["uuid"]
        for path in ["relative", "", "/../x", "/a/../../b"]:
            self.is_wrong("run", {**run, "files": {path: upload}}, path)
        for name in ["", "A=B", "a\0b"]:
            self.is_wrong("run", {**run, "env": {name: "x"}}, "env")
        self.is_wrong("run", {**run, "args": ["x"]}, "args")

    def test_a_directory_without_pipelines(self):
        os.makedirs("no-build", exist_ok=True)
        for tool in OF_A_BUILD_TREE:
            self.is_wrong(tool, {**GOOD[tool], "build_dir": os.path.abspath("no-build")}, "no-build")
        with Server("--root", os.getcwd(), cwd="no-build") as server:
            for tool in OF_A_BUILD_TREE:
                self.assertIn("build_dir", server.error(tool, **GOOD[tool]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
