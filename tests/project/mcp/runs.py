"""What runs, imports and builds do: what they return, side by side, how they are waited for, watched and ended, and what
outlives the server.

In the store there is an image, tag:base.
"""

import base64
import json
import os
import time
import unittest

from server import Server, ToolError, eventually, is_running, odd_duration

IMAGE = "tag:base"


class WithServer(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.kill)

    def tearDown(self):
        self.server.__exit__(None)

    def run_command(self, command, **more):
        return self.server.call("run", **{"image": IMAGE, "command": command, **more})

    def start(self, command, **more):
        started = self.run_command(command, wait=False, **more)
        self.assertIn(started["status"], ["PENDING", "EXECUTING"])
        return started["operation_id"]

    def text_of(self, image, path):
        return self.server.call("read_file", image=image, path=path)["content"]

    def status(self, operation):
        return self.server.call("get_operation", operation_id=operation)["status"]


class Runs(WithServer):
    def test_what_a_run_returns(self):
        done = self.run_command("echo out; echo err >&2; echo x >/written; exit 3")
        self.assertEqual(
            ["run", "SUCCESS", False, 3, False, "out\n", "err\n", None],
            [done[name] for name in ["type", "status", "ok", "exit_code", "timed_out", "stdout", "stderr", "result_image"]])
        self.assertIsNone(done.get("failed_state"))
        self.assertEqual(self.server.call("get_image", image=IMAGE)["uuid"], done["image"])
        self.assertGreaterEqual(done["duration_s"], 0)
        self.assertNotIn("truncated", done)
        again = self.server.call("get_operation", operation_id=done["operation_id"])
        for name in ["status", "exit_code", "stdout", "stderr", "command"]:
            self.assertEqual(done[name], again[name], name)

    def test_disposable_is_the_default(self):
        done = self.run_command("echo x >/written")
        self.assertTrue(done["ok"])
        self.assertIsNone(done["result_image"])
        self.assertEqual(1, self.run_command("test -e /written")["exit_code"])

    def test_what_is_kept(self):
        done = self.run_command("echo x >/written", disposable=False)
        self.assertTrue(done["filesystem_changed"])
        self.assertNotEqual(done["image"], done["result_image"])
        self.assertEqual("x\n", self.text_of(done["result_image"], "/written"))
        self.assertIn("/written", self.server.error("read_file", image=IMAGE, path="/written"))
        self.assertEqual(done["image"], self.server.call("get_image", image=done["result_image"])["parent"])

    def test_nothing_written(self):
        done = self.run_command("true", disposable=False)
        self.assertFalse(done["filesystem_changed"])
        self.assertEqual(done["image"], done["result_image"])

    def test_a_failure_makes_no_image_to_go_on_from(self):
        done = self.run_command("echo x >/written; exit 4", disposable=False)
        self.assertEqual([4, False, None], [done["exit_code"], done["ok"], done["result_image"]])
        self.assertEqual("x\n", self.text_of(done["failed_state"], "/written"))
        self.assertEqual("failed", self.server.call("get_image", image=done["failed_state"])["state"])

    def test_time_that_is_up(self):
        duration = odd_duration()
        done = self.run_command(f"echo begun; sleep {duration}", timeout=0.5, disposable=False)
        self.assertEqual([-1, True, False, None], [done[name] for name in ["exit_code", "timed_out", "ok", "result_image"]])
        self.assertEqual("begun\n", done["stdout"])
        self.assertFalse(is_running(duration))

    def test_a_signal(self):
        done = self.run_command("kill -9 $$")
        self.assertEqual([9, False, False], [done["signal"], done["timed_out"], done["ok"]])

    def test_the_command(self):
        self.assertEqual("a b\n", self.run_command("echo $X b", env={"X": "a"})["stdout"])
        self.assertEqual("$X b", self.run_command("printf", shell=False, args=["%s %s", "$X", "b"])["stdout"])
        self.assertEqual("typed", self.run_command("cat", stdin="typed")["stdout"])
        self.assertEqual("/etc\n", self.run_command("pwd", cwd="/etc")["stdout"])
        self.assertEqual("0 0\n", self.run_command("echo $(id -u) $(id -g)")["stdout"])
        self.assertEqual(127, self.run_command("no-such-program")["exit_code"])
        # Standard input is empty, and never that of the server.
        self.assertEqual("", self.run_command("cat")["stdout"])

    def test_no_variable_of_the_server(self):
        os.environ["SECRET_OF_THE_HOST"] = "sesame"
        with Server() as server:
            self.assertNotIn("sesame", server.call("run", image=IMAGE, command="env")["stdout"])

    def test_no_network(self):
        count = "grep -c : /proc/net/dev"
        self.assertEqual("1\n", self.run_command(count, network=False)["stdout"])

    def test_an_environment_that_stays(self):
        kept = self.run_command("touch /a", env={"X": "stays"}, preserve_env=True, disposable=False)["result_image"]
        self.assertEqual("stays\n", self.run_command("echo $X", image=kept)["stdout"])
        gone = self.run_command("touch /a", env={"X": "goes"}, disposable=False)["result_image"]
        self.assertEqual("\n", self.run_command("echo $X", image=gone)["stdout"])

    def test_output_that_is_no_utf_8(self):
        done = self.run_command(r"printf 'a\377\000b\303'")
        self.assertTrue(done["stdout"].startswith("a"))
        self.assertIn("b", done["stdout"])

    def test_uploads(self):
        blob = bytes(range(256))
        text = self.server.call("upload", content="text\n")
        binary = self.server.call("upload", content_base64=base64.b64encode(blob).decode())
        self.assertEqual([5, 256], [text["size"], binary["size"]])
        done = self.run_command("touch /done", files={"/deep/er/text": text["uuid"], "/blob": binary["uuid"]}, disposable=False)
        self.assertEqual("text\n", self.text_of(done["result_image"], "/deep/er/text"))
        read = self.server.call("read_file", image=done["result_image"], path="/blob")
        self.assertEqual(["base64", blob], [read["encoding"], base64.b64decode(read["content"])])

    def test_a_name_for_an_image(self):
        uuid = self.run_command("touch /named", disposable=False)["result_image"]
        self.assertIn("project/named", self.server.call("set_tag", image_uuid=uuid, tag="project/named")["tags"])
        self.assertEqual(uuid, self.server.call("get_image", image="tag:project/named")["uuid"])
        self.assertEqual(uuid, self.server.call("get_image", image=uuid[:13])["uuid"])
        listed = self.server.call("list_images", tag_prefix="project/")
        self.assertEqual([uuid], [image["uuid"] for image in listed["images"]])
        self.assertEqual([], self.server.call("set_tag", image_uuid=uuid)["tags"])
        self.assertEqual(0, self.server.call("list_images", tag_prefix="project/")["total"])

    def test_an_import_that_is_there_already(self):
        os.makedirs("tree/bin", exist_ok=True)
        with open("tree/bin/x", "w", encoding="utf-8") as file:
            file.write("x")
        reference = "rootfs:" + os.path.abspath("tree")
        first = self.server.call("import_image", registry_url=reference, tag="tree")
        self.assertEqual(["import_image", "SUCCESS", True, True, "tree"],
                         [first[name] for name in ["type", "status", "ok", "imported", "tag"]])
        again = self.server.call("import_image", registry_url=reference, tag="tree")
        self.assertEqual([first["image"], False], [again["image"], again["imported"]])
        later = self.server.call("import_image", registry_url=reference, refresh=True, wait=False)
        self.assertIn(later["status"], ["PENDING", "EXECUTING"])
        ended = self.server.call("wait_operations", operation_ids=[later["operation_id"]])
        self.assertEqual([later["operation_id"]], ended["completed"])

    def test_stdout_has_nothing_but_messages(self):
        self.run_command("echo '{\"jsonrpc\": \"2.0\"}'; echo x >/dev/stdout; echo y >/proc/1/fd/1")
        self.assertEqual([], self.server.troubles)


class SideBySide(WithServer):
    def test_ten_runs_and_all_of_them(self):
        operations = [self.start(f"echo {number} >/out; cat /out; exit {number % 2}", disposable=False) for number in range(10)]
        self.assertEqual(10, len(set(operations)))
        ended = self.server.call("wait_operations", operation_ids=operations)
        self.assertEqual([sorted(operations), [], False], [sorted(ended["completed"]), ended["cancelled"], ended["timed_out"]])
        self.assertEqual(set(operations), set(ended["results"]))
        images = set()
        for number, operation in enumerate(operations):
            result = ended["results"][operation]
            self.assertEqual(["SUCCESS", number % 2, f"{number}\n"],
                             [result["status"], result["exit_code"], result["stdout"]])
            images.add(result["failed_state"] if number % 2 else result["result_image"])
        self.assertEqual(10, len(images))

    def test_they_run_at_the_same_time(self):
        begun = time.monotonic()
        with Server("--jobs", 4) as server:
            operations = [server.call("run", image=IMAGE, command="sleep 2", wait=False)["operation_id"] for _ in range(4)]
            server.call("wait_operations", operation_ids=operations)
        self.assertLess(time.monotonic() - begun, 7)

    def test_no_more_at_a_time_than_allowed(self):
        with Server("--jobs", 1) as server:
            duration = odd_duration()
            first = server.call("run", image=IMAGE, command=f"sleep {duration}", timeout=300, wait=False)["operation_id"]
            second = server.call("run", image=IMAGE, command="true", wait=False)["operation_id"]
            eventually(lambda: is_running(duration), "the first runs")
            self.assertEqual("PENDING", server.call("get_operation", operation_id=second)["status"])
            server.call("cancel_operation", operation_id=first)
            ended = server.call("wait_operations", operation_ids=[second])
            self.assertEqual([second], ended["completed"])

    def test_any(self):
        durations = [odd_duration(number) for number in range(9)]
        with Server("--jobs", 10) as server:
            def start(command):
                return server.call("run", image=IMAGE, command=command, timeout=600, wait=False)["operation_id"]
            operations = [start(f"sleep {duration}") for duration in durations]
            quick = start("echo quick")
            ended = server.call("wait_operations", operation_ids=[*operations, quick], mode="any")
            self.assertEqual([[quick], sorted(operations), False],
                             [ended["completed"], sorted(ended["cancelled"]), ended["timed_out"]])
            self.assertEqual("quick\n", ended["results"][quick]["stdout"])
            for operation in operations:
                self.assertEqual("CANCELLED", ended["results"][operation]["status"])
                self.assertEqual("CANCELLED", server.call("get_operation", operation_id=operation)["status"])
        self.assertEqual([], [duration for duration in durations if is_running(duration)])

    def test_any_of_what_has_ended_already(self):
        done = self.run_command("true")["operation_id"]
        slow = self.start(f"sleep {odd_duration()}", timeout=600)
        ended = self.server.call("wait_operations", operation_ids=[slow, done], mode="any")
        self.assertEqual([[done], [slow]], [ended["completed"], ended["cancelled"]])

    def test_a_time_out_cancels_what_still_runs(self):
        duration = odd_duration()
        slow, quick = self.start(f"sleep {duration}", timeout=600), self.start("true")
        ended = self.server.call("wait_operations", operation_ids=[slow, quick], timeout=2)
        self.assertEqual([[quick], [slow], True], [ended["completed"], ended["cancelled"], ended["timed_out"]])
        self.assertEqual("CANCELLED", self.status(slow))
        self.assertFalse(is_running(duration))

    def test_no_time_at_all(self):
        slow = self.start(f"sleep {odd_duration()}", timeout=600)
        ended = self.server.call("wait_operations", operation_ids=[slow], timeout=0)
        self.assertEqual([[slow], True], [ended["cancelled"], ended["timed_out"]])

    def test_the_same_one_twice(self):
        quick = self.start("true")
        ended = self.server.call("wait_operations", operation_ids=[quick, quick])
        self.assertEqual({quick}, set(ended["completed"]))

    def test_one_that_is_not_known_cancels_nothing(self):
        slow = self.start(f"sleep {odd_duration()}", timeout=600)
        unknown = "00000000-0000-4000-8000-000000000000"
        self.assertIn(unknown, self.server.error("wait_operations", operation_ids=[slow, unknown], mode="any"))
        self.assertEqual("EXECUTING", self.status(slow))

    def test_calls_do_not_wait_for_each_other(self):
        duration = odd_duration()
        slow = self.server.post_call("run", {"image": IMAGE, "command": f"sleep {duration}", "timeout": 600})
        eventually(lambda: is_running(duration), "the run")
        self.assertEqual("quick\n", self.run_command("echo quick")["stdout"])
        running = self.server.call("list_operations", status="EXECUTING")["operations"]
        self.assertEqual(1, len(running))
        self.server.call("cancel_operation", operation_id=running[0]["operation_id"])
        try:
            self.assertEqual("CANCELLED", self.server.outcome("run", slow)["status"])
        except ToolError as error:
            self.assertEqual("CANCELLED", error.structured["status"])

    def test_many_calls_at_once(self):
        calls = [self.server.post_call("run", {"image": IMAGE, "command": f"echo {number}"}) for number in range(50)]
        for number, call in enumerate(calls):
            self.assertEqual(f"{number}\n", self.server.outcome("run", call)["stdout"])

    def test_one_that_is_named_twice_has_not_ended(self):
        one = self.start("sleep 1; echo end", timeout=60)
        waited = self.server.call("wait_operations", operation_ids=[one, one], mode="any")
        self.assertEqual([one], waited["completed"])
        self.assertEqual([], waited["cancelled"])

    def test_a_list_of_them(self):
        good, bad = self.run_command("true")["operation_id"], self.run_command("false")["operation_id"]
        slow = self.start(f"sleep {odd_duration()}", timeout=600)
        listed = self.server.call("list_operations")
        ids = [operation["operation_id"] for operation in listed["operations"]]
        self.assertLessEqual({good, bad, slow}, set(ids))
        self.assertEqual([slow, bad, good], ids[:3])
        running = self.server.call("list_operations", status="EXECUTING", type="run", since="1h")
        self.assertEqual([slow], [operation["operation_id"] for operation in running["operations"]])
        self.assertEqual(1, len(self.server.call("list_operations", limit=1)["operations"]))


class Ending(WithServer):
    def test_cancel_returns_when_all_has_ended(self):
        durations = [odd_duration(number) for number in range(3)]
        one = self.start(f"sleep {durations[0]} & (trap '' TERM INT HUP; sleep {durations[1]}) & sleep {durations[2]}", timeout=600,
                         disposable=False)
        eventually(lambda: all(map(is_running, durations)), "the run")
        ended = self.server.call("cancel_operation", operation_id=one)
        self.assertEqual(["CANCELLED", False], [ended["status"], ended["ok"]])
        self.assertEqual([], [duration for duration in durations if is_running(duration)])
        self.assertIsNone(ended.get("result_image"))

    def test_cancel_of_what_has_ended_changes_nothing(self):
        done = self.run_command("true")
        try:
            self.assertEqual("SUCCESS", self.server.call("cancel_operation", operation_id=done["operation_id"])["status"])
        except ToolError as error:
            self.assertIn(done["operation_id"], error.text)
        self.assertEqual("SUCCESS", self.status(done["operation_id"]))

    def test_a_request_that_is_cancelled_ends_its_run(self):
        duration = odd_duration()
        call = self.server.post_call("run", {"image": IMAGE, "command": f"sleep {duration}", "timeout": 600})
        eventually(lambda: is_running(duration), "the run")
        operation = self.server.call("list_operations", status="EXECUTING")["operations"][0]["operation_id"]
        self.server.notify("notifications/cancelled", {"requestId": call, "reason": "enough"})
        eventually(lambda: not is_running(duration), "the run is over")
        eventually(lambda: self.status(operation) == "CANCELLED", "it is cancelled")
        self.assertEqual([], [message for message in self.server.messages if message.get("id") == call])

    def test_a_wait_that_is_cancelled_lets_go_on(self):
        duration = odd_duration()
        slow = self.start(f"sleep {duration}", timeout=600)
        call = self.server.post_call("wait_operations", {"operation_ids": [slow]})
        eventually(lambda: is_running(duration), "the run")
        self.server.notify("notifications/cancelled", {"requestId": call})
        self.assertEqual("EXECUTING", self.status(slow))
        self.assertTrue(is_running(duration))
        self.server.call("cancel_operation", operation_id=slow)
        self.assertEqual([], [message for message in self.server.messages if message.get("id") == call])

    def test_the_end_of_the_input_ends_all_runs(self):
        durations = [odd_duration(number) for number in range(3)]
        server = Server()
        try:
            server.post_call("run", {"image": IMAGE, "command": f"sleep {durations[0]}", "timeout": 600})
            server.call("run", image=IMAGE, command=f"sleep {durations[1]}", timeout=600, wait=False)
            waited = server.call("run", image=IMAGE, command=f"sleep {durations[2]}", timeout=600, wait=False)["operation_id"]
            server.post_call("wait_operations", {"operation_ids": [waited]})
            eventually(lambda: all(map(is_running, durations)), "the runs")
            self.assertEqual(0, server.end_input())
            self.assertEqual([], [duration for duration in durations if is_running(duration)])
        finally:
            server.kill()
        self.assertEqual("CANCELLED", self.status(waited))

    def test_a_server_that_is_killed_leaves_nothing_running(self):
        duration = odd_duration()
        server = Server()
        operation = server.call("run", image=IMAGE, command=f"sleep {duration}", timeout=600, wait=False)["operation_id"]
        eventually(lambda: is_running(duration), "the run")
        server.kill()
        eventually(lambda: not is_running(duration), "the run is over")
        # What nobody works on any more does not run for ever either.
        self.assertIn(self.status(operation), ["CANCELLED", "FAILED"])

    def test_progress(self):
        token = "token-1"
        call = self.server.post_call(
            "run", {"image": IMAGE, "command": "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.5; done"}, {"progressToken": token})
        self.assertTrue(self.server.outcome("run", call)["ok"])
        told = [one for one in self.server.notifications("notifications/progress") if one["progressToken"] == token]
        self.assertGreaterEqual(len(told), 2)
        values = [one["progress"] for one in told]
        self.assertEqual(sorted(set(values)), values)
        self.assertTrue(any(one.get("message", "").startswith("line ") for one in told), told)
        # A token may be a number, and is the one that was sent.
        call = self.server.post_call("run", {"image": IMAGE, "command": "echo a; sleep 1.5"}, {"progressToken": 7})
        self.server.outcome("run", call)
        self.assertTrue(all(one["progressToken"] in (token, 7) for one in self.server.notifications("notifications/progress")))

    def test_no_progress_unless_asked_for_nor_after_the_answer(self):
        self.run_command("echo a; sleep 1.5")
        self.assertEqual([], self.server.notifications("notifications/progress"))
        call = self.server.post_call("run", {"image": IMAGE, "command": "echo a; sleep 1.5"}, {"progressToken": 1})
        self.server.outcome("run", call)
        answered = next(index for index, message in enumerate(self.server.messages) if message.get("id") == call)
        self.run_command("sleep 1.5")
        self.assertEqual([], [message for message in self.server.messages[answered:] if "method" in message])

    def test_a_loud_run_does_not_flood_the_client(self):
        call = self.server.post_call("run", {"image": IMAGE, "command": "seq 200000"}, {"progressToken": 1})
        self.assertTrue(self.server.outcome("run", call)["ok"])
        self.assertLess(len(self.server.notifications("notifications/progress")), 200)


class Restart(unittest.TestCase):
    def test_operations_and_source_outlive_the_server(self):
        os.makedirs("source", exist_ok=True)
        with open("source/file", "w", encoding="utf-8") as file:
            file.write("of the host\n")
        with Server("--root", os.getcwd()) as server:
            state = server.call("rsync", source=os.path.abspath("source"))["directory_state_id"]
            good = server.call("run", image=IMAGE, command="echo a; echo b >/b", disposable=False)
            bad = server.call("run", image=IMAGE, command="exit 3")
            later = server.call("run", image=IMAGE, command="echo later", wait=False)["operation_id"]
            server.call("wait_operations", operation_ids=[later])
            upload = server.call("upload", content="uploaded")["uuid"]
        # The files of a state are those that it was made of, whatever became of them.
        with open("source/file", "w", encoding="utf-8") as file:
            file.write("changed\n")
        with Server("--root", os.getcwd()) as server:
            again = server.call("get_operation", operation_id=good["operation_id"])
            for name in ["status", "ok", "exit_code", "stdout", "result_image", "command"]:
                self.assertEqual(good[name], again[name], name)
            self.assertEqual(3, server.call("get_operation", operation_id=bad["operation_id"])["exit_code"])
            ended = server.call("wait_operations", operation_ids=[good["operation_id"], later])
            self.assertEqual(2, len(ended["completed"]))
            self.assertEqual("later\n", ended["results"][later]["stdout"])
            listed = {operation["operation_id"] for operation in server.call("list_operations")["operations"]}
            self.assertLessEqual({good["operation_id"], bad["operation_id"], later}, listed)
            done = server.call("run", image=IMAGE, command="cat file /up", cwd="/app", directory_state_id=state,
                               files={"/up": upload})
            self.assertEqual("of the host\nuploaded", done["stdout"])
            operation = server.request("resources/read", {"uri": f"mstage://operation/{later}"})
            self.assertEqual("SUCCESS", json.loads(operation["contents"][0]["text"])["status"])

    def test_two_servers_share_a_store(self):
        with Server() as one, Server() as other:
            made = one.call("run", image=IMAGE, command="echo x >/x", disposable=False)
            self.assertEqual("x\n", other.call("read_file", image=made["result_image"], path="/x")["content"])
            self.assertEqual("SUCCESS", other.call("get_operation", operation_id=made["operation_id"])["status"])
            waited = other.call("wait_operations", operation_ids=[made["operation_id"]])
            self.assertEqual([made["operation_id"]], waited["completed"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
