"""Every tool with more to say than an agent wants to read: at most 8 KB, with a word about what was cut, and all of it when
it is asked for.

In the store there is an image, tag:base. In the working directory there is a build tree, build, with a stage that prints much
and fails (loud), a hundred stages that have not run, and thousands of source files that have changed since build-complete.
"""

import json
import os
import unittest

from server import Server, ToolError, eventually, is_running, odd_duration

IMAGE = "tag:base"
MOST = 8192
MIB = 1 << 20
# What a run can print, in lines and in one line.
LINES = "seq 100000 1500000"
LINE = f"head -c {10 * MIB} /dev/zero | tr '\\0' x"
SECTIONS = ["workflow", "reference", "quickstart", "state", "async", "tagging", "errors"]


class Sizes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("-C", os.path.abspath("build"), "--root", os.getcwd())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def small(self, tool, /, **arguments):
        result = self.server.call(tool, **arguments)
        self.assertLessEqual(self.server.last_size, MOST, tool)
        return result

    def cut(self, tool, /, **arguments):
        result = self.small(tool, **arguments)
        self.assertTrue(result.get("truncated"), f"{tool}: {json.dumps(result)[:500]}")
        return result

    def pages(self, tool, name, most, /, **arguments):
        """All of the list, of which as many pages are looked at as take no time."""
        everything = self.server.call(tool, **arguments, limit=most)
        self.assertNotIn("next_offset", everything)
        self.assertEqual(everything["total"], len(everything[name]))
        offset = 0
        for _ in range(4):
            page = self.small(tool, **arguments, offset=offset)
            self.assertEqual(everything["total"], page["total"])
            self.assertEqual(everything[name][offset:offset + len(page[name])], page[name])
            self.assertEqual(offset + len(page[name]), page["next_offset"])
            offset = page["next_offset"]
        last = self.small(tool, **arguments, offset=everything["total"] - 1)
        self.assertEqual([everything[name][-1:], None], [last[name], last.get("next_offset")])
        return everything[name]

    def keep(self, command, **more):
        return self.server.call("run", image=IMAGE, command=command, disposable=False, timeout=300, **more)["result_image"]

    def test_output_of_a_run(self):
        for command in [LINES, LINE, f"{LINES} >&2", f"{LINES}; {LINES} >&2"]:
            done = self.cut("run", image=IMAGE, command=command, timeout=300)
            self.assertTrue(any("stdout" in what or "stderr" in what for what in done["truncated"]), done["truncated"])
            self.assertGreater(len(json.dumps(done)), MOST // 4, "there is room for more")
            again = self.cut("get_operation", operation_id=done["operation_id"])
            self.assertEqual(done["ok"], again["ok"])
        done = self.server.call("run", image=IMAGE, command=LINES, timeout=300)
        self.assertTrue(done["stdout"].startswith("100000\n"), "the beginning is there")
        self.assertTrue(done["stdout"].endswith("1500000\n"), "and the end")

    def test_all_of_the_output_when_asked_for(self):
        done = self.server.call("run", image=IMAGE, command=LINES, timeout=300, truncate_output_at=10 * MIB)
        everything = "".join(f"{number}\n" for number in range(100000, 1500001))
        self.assertEqual(len(everything), len(done["stdout"]))
        self.assertEqual(everything, done["stdout"])
        self.assertNotIn("truncated", done)
        again = self.server.call("get_operation", operation_id=done["operation_id"], truncate_output_at=10 * MIB)
        self.assertEqual(everything, again["stdout"])
        waited = self.server.call("wait_operations", operation_ids=[done["operation_id"]], truncate_output_at=10 * MIB)
        self.assertEqual(everything, waited["results"][done["operation_id"]]["stdout"])

    def test_as_much_of_the_output_as_asked_for(self):
        done = self.server.call("run", image=IMAGE, command=LINES, timeout=300, truncate_output_at=50000)
        self.assertTrue(done["truncated"])
        self.assertLessEqual(len(done["stdout"]), 51000)
        self.assertGreater(len(done["stdout"]), 40000)
        none = self.server.call("run", image=IMAGE, command="echo some", truncate_output_at=0)
        self.assertNotIn("some", none["stdout"])
        self.assertTrue(none["truncated"])

    def test_output_that_needs_more_bytes_in_json(self):
        for command in [r"head -c 100000 /dev/zero | tr '\0' '\1'", r"head -c 100000 /dev/zero | tr '\0' '\"'",
                        r"head -c 100000 /dev/zero | tr '\0' '\n'", r"head -c 100000 /dev/zero | tr '\0' '\377'",
                        r"head -c 99999 /dev/zero | sed 's/\x00/\xe2\x82\xac/g'"]:
            self.cut("run", image=IMAGE, command=command)

    def test_a_command_that_is_long(self):
        long = "true " + "x" * 100000
        done = self.cut("run", image=IMAGE, command=long, disposable=False)
        self.cut("get_operation", operation_id=done["operation_id"])
        image = self.keep("touch /long; " + long)
        self.cut("get_image", image=image)
        self.small("list_operations")
        self.small("list_images")

    def test_an_environment_that_is_large(self):
        image = self.keep("touch /env", env={f"NAME_{number}": "x" * 100 for number in range(300)}, preserve_env=True)
        self.cut("get_image", image=image)

    def test_many_that_are_waited_for(self):
        operations = [self.server.call("run", image=IMAGE, command="seq 10000", wait=False)["operation_id"] for _ in range(40)]
        ended = self.cut("wait_operations", operation_ids=operations)
        # What is needed to go on is there: how each has ended.
        self.assertEqual(sorted(operations), sorted(ended["completed"]))

    def test_one_that_is_cancelled(self):
        duration = odd_duration()
        loud = self.server.call("run", image=IMAGE, command=f"{LINES}; sleep {duration}", timeout=600, wait=False)["operation_id"]
        eventually(lambda: is_running(duration), "it has printed all")
        self.small("get_operation", operation_id=loud)
        self.small("cancel_operation", operation_id=loud)

    def test_many_files(self):
        image = self.keep("mkdir /many; cd /many; seq -f 'a-file-with-a-name-that-takes-space-%06.0f' 5000 | while read f; do "
                          ": >$f; done")
        names = [entry["path"] for entry in self.pages("list_files", "files", 100000, image=image, path="/many")]
        self.assertEqual(5000, len(set(names)))
        self.small("list_files", image=image, recursive=True)
        some = self.server.call("list_files", image=image, path="/many", limit=300, offset=4900)
        self.assertEqual(names[4900:], [entry["path"] for entry in some["files"]])
        difference = self.cut("diff", before=IMAGE, after=image)
        # The directory is one too.
        self.assertIn("of 5001", json.dumps(difference["truncated"]))
        listed = self.server.request("resources/read", {"uri": f"mstage://image/{image}/ls/many"})
        self.assertIn("-005000", listed["contents"][0]["text"])

    def test_long_files(self):
        image = self.keep(r"seq 100000 130000 >/long; sed 's/1/\xe2\x82\xac/g' /long >/euro; tr '1' '\377' </long >/binary; "
                          r"head -c 100000 /dev/zero | tr '\0' '\1' >/control")
        for path in ["/long", "/euro", "/control"]:
            part = self.small("read_file", image=image, path=path)
            text, size = part["content"], part["size"]
            self.assertEqual(["utf-8", 0], [part["encoding"], part["offset"]])
            for _ in range(3):
                self.assertEqual(len(text.encode()), part["next_offset"])
                part = self.small("read_file", image=image, path=path, offset=part["next_offset"])
                text += part["content"]
            everything = self.server.call("read_file", image=image, path=path, limit=10 * MIB)
            self.assertNotIn("next_offset", everything)
            self.assertEqual(size, len(everything["content"].encode()))
            self.assertTrue(everything["content"].startswith(text))
            resource = self.server.request("resources/read", {"uri": f"mstage://image/{image}/read{path}"})
            self.assertEqual(everything["content"], resource["contents"][0]["text"])
        part = self.small("read_file", image=image, path="/binary")
        self.assertEqual("base64", part["encoding"])
        self.assertIn("next_offset", part)
        resource = self.server.request("resources/read", {"uri": f"mstage://image/{image}/read/binary"})
        self.assertIn("blob", resource["contents"][0])

    def test_many_images_tags_and_operations(self):
        images = [self.keep(f"echo {number} >/number") for number in range(120)]
        for number, image in enumerate(images):
            self.server.call("set_tag", image_uuid=image, tag=f"many/{number:03}/a-tag-with-a-name-that-takes-space")
        listed = self.pages("list_images", "images", 1000)
        self.assertEqual(set(images), set(images) & {image["uuid"] for image in listed})
        of_prefix = self.pages("list_images", "images", 1000, tag_prefix="many/")
        self.assertEqual(list(reversed(images)), [image["uuid"] for image in of_prefix])
        for number in range(120):
            result = self.server.call("set_tag", image_uuid=images[0], tag=f"one/{number:03}/a-tag-with-a-name-that-takes-space")
        self.assertIn("one/119/a-tag-with-a-name-that-takes-space", json.dumps(result))
        self.cut("set_tag", image_uuid=images[0], tag="one/last")
        self.cut("get_image", image=images[0])
        self.small("list_images", tag_prefix="one/")
        operations = self.cut("list_operations")["operations"]
        everything = self.server.call("list_operations", limit=1000)["operations"]
        self.assertGreaterEqual(len(everything), 120)
        self.assertEqual(operations, everything[:len(operations)])
        # What is typed so far leaves no more than the protocol allows.
        completion = self.server.request("completion/complete", {
            "ref": {"type": "ref/resource", "uri": "mstage://image/{image}/lineage"},
            "argument": {"name": "image", "value": "tag:one/"}})["completion"]
        self.assertEqual(100, len(completion["values"]))
        self.assertTrue(completion["hasMore"])
        self.assertTrue(all(value.startswith("tag:one/") for value in completion["values"]))

    def test_the_guide(self):
        for section in SECTIONS:
            text = self.server.request("resources/read", {"uri": f"mstage://guide/{section}"})["contents"][0]["text"]
            told = self.small("get_guide", section=section)
            if told["text"] != text:
                self.assertTrue(told.get("truncated"))
                self.assertIn(f"mstage://guide/{section}", json.dumps(told), "it says where all of it is")

    def test_a_build_tree_with_much_to_tell(self):
        self.cut("pipeline_status")
        self.cut("why", checkpoint="build-complete")
        built = self.cut("build", checkpoint="loud", timeout=600)
        self.assertFalse(built["ok"])
        everything = self.server.call("get_operation", operation_id=built["operation_id"], truncate_output_at=10 * MIB)
        self.assertIn("rollback points", everything["stdout"])
        self.cut("rollback", checkpoint="setup-base", dry_run=True)
        for _ in range(60):
            self.server.call("rollback", checkpoint="setup-base")
            self.server.call("rollback", undo=True)
        told = self.small("history")
        self.assertGreater(told["total"], len(told["history"]))
        everything = self.server.call("history", limit=100000)
        self.assertEqual(told["total"], len(everything["history"]))
        self.assertEqual(told["history"], everything["history"][-len(told["history"]):])
        self.small("rollback", checkpoint="setup-base")

    def test_other_results(self):
        os.makedirs("long", exist_ok=True)
        name = "x" * 200
        with open(f"long/{name}", "w", encoding="utf-8") as file:
            file.write("x" * MIB)
        self.small("rsync", source=os.path.abspath("long"), exclude=["y" * 100] * 200)
        uploaded = self.small("upload", path=os.path.abspath(f"long/{name}"))
        image = self.keep("true", files={"/uploaded": uploaded["uuid"]})
        self.small("download", image=image, path="/uploaded", destination=os.path.abspath("downloaded"))
        self.assertEqual(MIB, os.path.getsize("downloaded"))
        self.small("shell_command", image=image)
        try:
            self.small("import_image", registry_url="rootfs:/" + "x/" * 2000)
        except ToolError as error:
            self.assertLess(len(error.text.encode()), MOST)


if __name__ == "__main__":
    unittest.main(verbosity=2)
