"""What is no message, what is none of ours, and what comes at the wrong time: each has its error, and the server lives on."""

import json
import os
import subprocess
import unittest

from server import DEADLINE, LEGACY, MODERN, MODERN_META, Refused, Server

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
NO_METHOD = -32601
INVALID_PARAMS = -32602
UNKNOWN_VERSION = -32022
MIB = 1 << 20


class OneServer(unittest.TestCase):
    """All tests of a class talk to the same server, one after the other; until one ends it."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def setUp(self):
        if self.server.process.poll() is not None:
            self.server.kill()
            type(self).server = Server()

    def lives(self):
        self.assertEqual({}, self.server.request("ping"))

    def raw(self, data, answer_id=None):
        """What is answered to these bytes; afterwards a good request is answered."""
        since = len(self.server.messages)
        self.server.send(data)
        answer = self.server.answer(answer_id, since)
        self.lives()
        return answer

    def refused(self, code, data, answer_id=None):
        if not isinstance(data, bytes):
            data = (data if isinstance(data, str) else json.dumps(data)).encode() + b"\n"
        answer = self.raw(data, answer_id)
        self.assertIn("error", answer, data[:200])
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(answer["error"]["code"], codes, (data[:200], answer))
        self.assertTrue(answer["error"]["message"])

    def unanswered(self, data):
        """Nothing is said to this: the next answer is that of the next request."""
        since = len(self.server.messages)
        self.server.send_line(data)
        self.lives()
        self.assertEqual(since + 1, len(self.server.messages), self.server.messages[since:])


class NoJson(OneServer):
    def test_text_that_is_no_json(self):
        for text in ["{", "}", "nonsense", "{'jsonrpc': '2.0'}", '{"jsonrpc":"2.0","id":1,"method":"ping"',
                     '{"jsonrpc":"2.0","id":1,"method":"ping"}}', '{"jsonrpc":"2.0","id":1,"method":"ping",}',
                     '{"jsonrpc":"2.0","id":01,"method":"ping"}', '{"jsonrpc":"2.0","id":1,"method":"pi\tng"}',
                     'Content-Length: 52', "\x00", "NaN", '"\\ud800', "1 2"]:
            with self.subTest(text):
                self.refused(PARSE_ERROR, text)

    def test_invalid_utf_8(self):
        for bad in [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"]:
            with self.subTest(bad):
                self.refused(PARSE_ERROR, b'{"jsonrpc":"2.0","id":1,"method":"' + bad + b'"}\n')
                self.refused(PARSE_ERROR, bad + b"\n")

    def test_a_number_that_no_double_holds(self):
        self.refused((PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS),
                     '{"jsonrpc":"2.0","id":null,"method":"ping","params":{"a":1e400}}')

    def test_half_of_a_surrogate_pair(self):
        answer = self.raw(b'{"jsonrpc":"2.0","id":null,"method":"\\ud800"}\n')
        self.assertIn("error", answer)

    def test_empty_lines_do_no_harm(self):
        self.server.send(b"\n\n   \n\r\n")
        self.lives()


class NoRequest(OneServer):
    def test_values_that_are_no_object(self):
        for value in [None, True, 0, 1.5, "ping", "", [], [1], [[]]]:
            with self.subTest(value):
                self.refused(INVALID_REQUEST, json.dumps(value))

    def test_a_batch(self):
        ping = {"jsonrpc": "2.0", "id": 900, "method": "ping"}
        for batch in [[ping], [ping, ping], [{"jsonrpc": "2.0", "method": "notifications/initialized"}]]:
            with self.subTest(batch):
                self.refused(INVALID_REQUEST, batch)

    def test_objects_that_are_no_request(self):
        for message in [{}, {"jsonrpc": "2.0"}, {"id": 901, "method": "ping"}, {"jsonrpc": "1.0", "id": 901, "method": "ping"},
                        {"jsonrpc": 2.0, "id": 901, "method": "ping"}, {"jsonrpc": "2.0", "id": 901},
                        *({"jsonrpc": "2.0", "id": 901, "method": method} for method in [None, 1, True, [], {}, ["ping"]])]:
            with self.subTest(message):
                since = len(self.server.messages)
                self.server.send_line(message)
                answer, _ = self.server.wait_for(lambda answer: "error" in answer, "error", since)
                self.assertEqual(INVALID_REQUEST, answer["error"]["code"])
                self.assertIn(answer["id"], [None, 901])
                self.lives()

    def test_ids_that_are_none(self):
        for wrong in [None, True, False, [], [1], {}, {"id": 1}]:
            with self.subTest(wrong):
                self.refused(INVALID_REQUEST, {"jsonrpc": "2.0", "id": wrong, "method": "ping"})

    def test_answers_to_nothing_are_ignored(self):
        self.unanswered({"jsonrpc": "2.0", "id": 77, "result": {}})
        self.unanswered({"jsonrpc": "2.0", "id": 77, "error": {"code": 1, "message": "x"}})

    def test_a_notification_is_never_answered(self):
        for method in ["ping", "tools/list", "tools/call", "no/such", "notifications/no-such", "notifications/initialized"]:
            self.unanswered({"jsonrpc": "2.0", "method": method})
        self.unanswered({"jsonrpc": "2.0", "method": "notifications/cancelled"})
        for params in [None, 1, [], {}, {"requestId": None}, {"requestId": 12345}, {"requestId": "x"}, {"requestId": {}}]:
            self.unanswered({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})


class Ids(OneServer):
    def test_each_comes_back_as_it_was(self):
        for one in [0, -1, 2**53 + 1, 2**63 - 1, -2**63, "", "a", "1", "ü\u2028\U0001f600", "x" * 100000, '"\\\n']:
            with self.subTest(one):
                answer = self.raw(json.dumps({"jsonrpc": "2.0", "id": one, "method": "ping"}).encode() + b"\n", one)
                self.assertEqual({}, answer["result"])

    def test_a_fraction_is_answered_or_refused(self):
        since = len(self.server.messages)
        self.server.send_line('{"jsonrpc":"2.0","id":1.5,"method":"ping"}')
        answer, _ = self.server.wait_for(lambda answer: answer["id"] in (1.5, None), "answer", since)
        if answer["id"] is None:
            self.assertEqual(INVALID_REQUEST, answer["error"]["code"])
        else:
            self.assertEqual({}, answer["result"])
        self.lives()

    def test_the_same_twice_at_a_time(self):
        since = len(self.server.messages)
        for _ in range(2):
            self.server.send_line({"jsonrpc": "2.0", "id": "twice", "method": "tools/list"})
        _, first = self.server.wait_for(lambda answer: answer.get("id") == "twice", "first answer", since)
        self.server.wait_for(lambda answer: answer.get("id") == "twice", "second answer", first + 1)
        self.lives()


class Framing(OneServer):
    def test_a_message_in_pieces(self):
        for piece in [b'{"jsonr', b'pc":"2.0","id":"pi', b'eces","method":"', b"ping", b'"}', b"\n"]:
            self.server.send(piece)
        self.assertEqual({}, self.server.answer("pieces")["result"])

    def test_many_in_one_piece(self):
        self.server.send(b"".join(b'{"jsonrpc":"2.0","id":"many-%d","method":"ping"}\n' % number for number in range(2000)))
        for number in range(2000):
            self.assertEqual({}, self.server.answer(f"many-{number}")["result"])

    def test_lines_may_end_as_those_of_windows(self):
        self.assertEqual({}, self.raw(b'{"jsonrpc":"2.0","id":"crlf","method":"ping"}\r\n', "crlf")["result"])

    def test_space_around_and_in_a_message(self):
        self.assertEqual({}, self.raw(b' \t{ "jsonrpc" :\t"2.0" , "id":"space" , "method":"ping" } \t\n', "space")["result"])

    def test_a_line_of_40_mib(self):
        self.refused(INVALID_REQUEST, b'{"jsonrpc":"2.0","id":5,"method":"' + b"x" * (40 * MIB) + b'"}\n')
        self.refused(INVALID_REQUEST, b"[" * (40 * MIB) + b"\n")

    def test_a_line_of_30_mib_is_fine(self):
        text = "x" * (30 * MIB)
        uploaded = self.server.call("upload", content=text)
        self.assertEqual(len(text), uploaded["size"])
        self.lives()

    def test_deep_nesting(self):
        deep = "[" * 200000 + "]" * 200000
        for message in [deep, f'{{"a":{deep}}}', f'{{"jsonrpc":"2.0","id":{deep},"method":"ping"}}',
                        f'{{"jsonrpc":"2.0","id":null,"method":"ping","params":{{"a":{deep}}}}}']:
            self.assertIn("error", self.raw(message.encode() + b"\n"))
        self.server.send_line('{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":'
                              f'{{"name":"get_guide","arguments":{{"section":{deep}}},"_meta":{{"progressToken":{deep}}}}}}}')
        self.server.wait_for(lambda answer: answer.get("id") in ("deep", None), "answer", len(self.server.messages) - 1)
        self.lives()
        objects = '{"a":' * 200000 + "1" + "}" * 200000
        self.assertIn("error", self.raw(objects.encode() + b"\n"))


class WrongRequests(OneServer):
    def refuses(self, code, method, params=None):
        with self.assertRaises(Refused, msg=(method, params)) as caught:
            self.server.request(method, params)
        self.assertIn(caught.exception.code, code if isinstance(code, tuple) else (code,), (method, params))
        self.lives()
        return caught.exception

    def test_methods_that_are_not_there(self):
        for method in ["", "no/such", "tools", "tools/", "tools/List", "rpc.discover", "sampling/createMessage", "x" * 100000]:
            self.refuses(NO_METHOD, method)

    def test_params_that_are_no_object(self):
        for method in ["tools/call", "prompts/get", "resources/read", "completion/complete"]:
            for params in [[], [1], "x", 1, True]:
                self.refuses((INVALID_PARAMS, INVALID_REQUEST), method, params)
            self.refuses(INVALID_PARAMS, method)
            self.refuses(INVALID_PARAMS, method, {})

    def test_tools_call(self):
        for name in [None, 1, [], {}, "", "no_such_tool", "Run", "run\u0000"]:
            self.assertTrue(self.refuses(INVALID_PARAMS, "tools/call", {"name": name, "arguments": {}}).message)
        for arguments in [None, 1, "x", [], [1], True]:
            if arguments is not None:
                self.refuses(INVALID_PARAMS, "tools/call", {"name": "get_guide", "arguments": arguments})
        has_name = self.refuses(INVALID_PARAMS, "tools/call", {"name": "no_such_tool", "arguments": {}})
        self.assertIn("no_such_tool", has_name.message)

    def test_prompts_get(self):
        for name in [None, 1, [], {}, "", "no-such-prompt"]:
            self.refuses(INVALID_PARAMS, "prompts/get", {"name": name})
        for arguments in [1, "x", [], {"source": 1}, {"source": None}, {"source": {}}, {}]:
            self.refuses(INVALID_PARAMS, "prompts/get", {"name": "multi-stage-build", "arguments": arguments})
        missing = self.refuses(INVALID_PARAMS, "prompts/get", {"name": "multi-stage-build", "arguments": {"build_cmd": "make"}})
        self.assertIn("source", missing.message)

    def test_resources_read(self):
        for uri in [None, 1, [], {}]:
            self.refuses(INVALID_PARAMS, "resources/read", {"uri": uri})
        # -32002 is what earlier revisions say of a resource that is not there.
        for uri in ["", "no-uri", "file:///etc/passwd", "mstage://", "mstage://guide", "mstage://guide/no-such", "mstage://no/such",
                    "mstage://image/tag:no-such/lineage", "mstage://image//read/etc/passwd", "mstage://operation/",
                    "mstage://operation/../../x", "mstage://guide/%", "mstage://guide/%zz", "mstage://guide/%00",
                    "mstage://guide/../guide/workflow", "mstage://" + "x" * 100000]:
            self.refuses((INVALID_PARAMS, -32002), "resources/read", {"uri": uri})

    def test_completion_complete(self):
        good = {"ref": {"type": "ref/prompt", "name": "run-shell"}, "argument": {"name": "image", "value": ""}}
        self.assertIn("values", self.server.request("completion/complete", good)["completion"])
        for wrong in [{"ref": None}, {"ref": {}}, {"ref": {"type": "ref/none"}}, {"ref": {"type": "ref/prompt"}},
                      {"ref": {"type": "ref/prompt", "name": 1}}, {"ref": {"type": "ref/prompt", "name": "no-such"}},
                      {"argument": None}, {"argument": {}}, {"argument": {"name": "image"}},
                      {"argument": {"name": 1, "value": ""}}, {"argument": {"name": "image", "value": 1}}]:
            self.refuses(INVALID_PARAMS, "completion/complete", {**good, **wrong})

    def test_cursors_that_nobody_gave(self):
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]:
            for cursor in [1, [], {}, "no-such-cursor"]:
                self.refuses(INVALID_PARAMS, method, {"cursor": cursor})

    def test_meta_that_is_none(self):
        for meta in [1, "x", []]:
            self.refuses(INVALID_PARAMS, "tools/list", {"_meta": meta})
        for token in [[], {}, True, 1.5]:
            answer = self.raw(json.dumps({
                "jsonrpc": "2.0", "id": "token", "method": "tools/call",
                "params": {"name": "get_guide", "arguments": {}, "_meta": {"progressToken": token}}}).encode() + b"\n", "token")
            if "error" in answer:
                self.assertEqual(INVALID_PARAMS, answer["error"]["code"])


class Versions(unittest.TestCase):
    def test_before_initialize(self):
        with Server(initialize=False) as server:
            for method in ["tools/list", "prompts/list", "resources/list", "tools/call", "completion/complete"]:
                with self.assertRaises(Refused, msg=method) as caught:
                    server.request(method, {"name": "get_guide", "arguments": {}})
                self.assertEqual(INVALID_PARAMS, caught.exception.code)
            server.initialize()
            self.assertIn("run", server.tools())

    def test_each_that_is_supported(self):
        for version in LEGACY:
            with Server(initialize=False) as server:
                result = server.initialize(version)
                self.assertEqual(version, result["protocolVersion"])
                self.assertEqual({"tools", "prompts", "resources", "completions"}, set(result["capabilities"]))
                self.assertEqual("mstage", result["serverInfo"]["name"])
                self.assertTrue(result["serverInfo"]["version"])
                self.assertEqual("workflow", server.call("get_guide")["section"])

    def test_another_one(self):
        for asked, answered in [("2025-03-26", "2024-11-05"), ("2025-07-01", "2025-06-18"), ("2026-01-01", "2025-11-25"),
                                ("2099-12-31", "2025-11-25"), ("1999-01-01", "2025-11-25"), ("nonsense", "2025-11-25"),
                                ("", "2025-11-25")]:
            with self.subTest(asked), Server(initialize=False) as server:
                self.assertEqual(answered, server.initialize(asked)["protocolVersion"])

    def test_initialize_that_is_malformed(self):
        with Server(initialize=False) as server:
            for params in [None, {}, {"protocolVersion": 1}, {"protocolVersion": None}, [], "x"]:
                with self.assertRaises(Refused, msg=params) as caught:
                    server.request("initialize", params)
                self.assertIn(caught.exception.code, (INVALID_PARAMS, INVALID_REQUEST))
            server.initialize()
            self.assertIn("run", server.tools())

    def test_a_stateless_request(self):
        with Server(initialize=False) as server:
            found = server.request("server/discover", {"_meta": MODERN_META})
            self.assertIn(MODERN, found["supportedVersions"])
            self.assertEqual({"tools", "prompts", "resources", "completions"}, set(found["capabilities"]))
            for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]:
                listed = server.request(method, {"_meta": MODERN_META})
                self.assertEqual("complete", listed["resultType"])
                self.assertIsInstance(listed["ttlMs"], int)
                self.assertIn(listed["cacheScope"], ["public", "private"])
                self.assertEqual("mstage", listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"])
            called = server.request("tools/call", {"name": "get_guide", "arguments": {}, "_meta": MODERN_META})
            self.assertEqual("complete", called["resultType"])
            self.assertEqual("workflow", called["structuredContent"]["section"])
            got = server.request("prompts/get", {"name": "run-shell", "arguments": {"command": "true"}, "_meta": MODERN_META})
            self.assertEqual("complete", got["resultType"])

    def test_a_stateless_request_of_an_unknown_version(self):
        with Server(initialize=False) as server:
            for version in ["2031-01-01", "nonsense", ""]:
                with self.assertRaises(Refused) as caught:
                    server.request("tools/list", {"_meta": {**MODERN_META, "io.modelcontextprotocol/protocolVersion": version}})
                self.assertEqual(UNKNOWN_VERSION, caught.exception.code)
                self.assertEqual(version, caught.exception.data["requested"])
                self.assertIn(MODERN, caught.exception.data["supported"])

    def test_a_stateless_request_with_half_of_its_meta(self):
        with Server(initialize=False) as server:
            for wrong in [{"io.modelcontextprotocol/clientCapabilities": None}, {"io.modelcontextprotocol/clientCapabilities": 1},
                          {"io.modelcontextprotocol/protocolVersion": 1}, {"io.modelcontextprotocol/protocolVersion": None}]:
                with self.assertRaises(Refused, msg=wrong) as caught:
                    server.request("tools/list", {"_meta": {**MODERN_META, **wrong}})
                self.assertEqual(INVALID_PARAMS, caught.exception.code, wrong)
            without = {name: value for name, value in MODERN_META.items() if not name.endswith("/clientCapabilities")}
            with self.assertRaises(Refused) as caught:
                server.request("tools/list", {"_meta": without})
            self.assertEqual(INVALID_PARAMS, caught.exception.code)

    def test_both_on_one_connection(self):
        with Server() as server:
            self.assertNotIn("resultType", server.request("tools/list"))
            self.assertEqual("complete", server.request("tools/list", {"_meta": MODERN_META})["resultType"])
            self.assertNotIn("resultType", server.request("tools/list"))

    def test_listening(self):
        with Server(initialize=False) as server:
            server.post("subscriptions/listen", {"_meta": MODERN_META, "notifications": {"toolsListChanged": True}})
            server.wait_for(lambda message: message.get("method") == "notifications/subscriptions/acknowledged",
                            "acknowledgement")
            self.assertIn("tools", server.request("tools/list", {"_meta": MODERN_META}))


class Ends(unittest.TestCase):
    def test_at_once(self):
        with Server(initialize=False):
            pass

    def test_in_the_middle_of_a_message(self):
        for rest in [b"{", b'{"jsonrpc":"2.0","id":1,"method":"ping"}', b"\xff"]:
            with Server() as server:
                count = len(server.messages)
                server.send(rest)
                self.assertEqual(0, server.end_input())
                self.assertEqual([], server.messages[count:], rest)

    def test_in_the_middle_of_a_message_that_is_too_long(self):
        with Server() as server:
            server.send(b"x" * (40 * MIB))
            self.assertEqual(INVALID_REQUEST, server.answer(None)["error"]["code"])

    def test_requests_before_the_end_are_answered(self):
        with Server() as server:
            ids = [server.post("tools/list") for _ in range(20)]
            self.assertEqual(0, server.end_input())
            for one in ids:
                self.assertIn("result", server.answer(one))

    def test_a_reader_that_is_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen([os.environ["MSTAGE_EXECUTABLE"], "mcp"], stdin=subprocess.PIPE, stdout=writer,
                                   stderr=subprocess.DEVNULL)
        os.close(writer)
        try:
            process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
            process.stdin.flush()
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2)
