"""Talks to a `mstage mcp` of its own, with nothing but Python: what is well formed, and what is not.

Everything that comes back is looked at on the way: each line has to be a message of the protocol, and what a tool returns has
to be what its outputSchema says.
"""

import json
import os
import subprocess
import tempfile
import threading
import time

import schema

# Nothing takes so long, unless it hangs.
DEADLINE = 180

LEGACY = ["2025-11-25", "2025-06-18", "2024-11-05"]
MODERN = "2026-07-28"
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Refused(Exception):
    """An error of the protocol."""

    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data")


class ToolError(Exception):
    """A result with isError."""

    def __init__(self, text, structured=None):
        super().__init__(text)
        self.text = text
        self.structured = structured


def size_of(result):
    """Bytes of what a tool's result has for programs and for readers, as they are sent."""
    parts = [result[part] for part in ("content", "structuredContent") if part in result]
    return sum(len(json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode()) for part in parts)


class Server:
    """The process. As a context manager it ends with the end of its input, with exit code 0 and in silence."""

    # Of one answer; more where a base system is made.
    deadline = DEADLINE

    def __init__(self, *arguments, cwd=None, initialize=True):
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ["MSTAGE_EXECUTABLE"], "mcp", *map(str, arguments)], cwd=cwd,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr)
        self.lines = []  # as they came
        self.messages = []
        self.troubles = []
        self.ended = False  # its output has
        self.output_schemas = {}
        self.last_id = 0
        self.last_size = 0  # of a tool's result
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if initialize:
            try:
                self.initialize()
            except BaseException:
                self.kill()
                raise

    def _read(self):
        for line in self.process.stdout:
            try:
                message = json.loads(line)
                good = isinstance(message, dict) and message.get("jsonrpc") == "2.0"
            except ValueError:
                message, good = None, False
            with self.changed:
                self.lines.append(line)
                self.messages.append(message)
                if not good:
                    self.troubles.append(f"no message of the protocol: {line[:200]!r}")
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    # --- Sending ----------------------------------------------------------------------------------------------

    def send(self, data):
        """Bytes, as they are."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send_line(self, message):
        """A message, or a text that is none."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.send(text.encode() + b"\n")

    def post(self, method, params=None, **more):
        """Sends a request without waiting for its answer, and returns its id."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, **more}
        if params is not None:
            message["params"] = params
        self.send_line(message)
        return message["id"]

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self.send_line(message)

    # --- Receiving --------------------------------------------------------------------------------------------

    def wait_for(self, wanted, what, since=0):
        """The first message since then that is wanted, with its index."""
        end = time.monotonic() + self.deadline
        with self.changed:
            index = since
            while True:
                while index < len(self.messages):
                    if self.messages[index] is not None and wanted(self.messages[index]):
                        return self.messages[index], index
                    index += 1
                if self.ended:
                    raise AssertionError(f"the server ended before {what}: {self.complaints()}")
                if not self.changed.wait(end - time.monotonic()):
                    raise AssertionError(f"no {what} within {self.deadline} s; the last lines: {self.lines[-3:]}")

    def answer(self, request_id, since=0):
        """The whole message that answers."""
        # In Python 1 == 1.0 == True.
        key = json.dumps(request_id)
        return self.wait_for(lambda message: "method" not in message and json.dumps(message.get("id")) == key,
                             f"answer to request {key}", since)[0]

    def notifications(self, method):
        with self.changed:
            return [message["params"] for message in self.messages if message and message.get("method") == method]

    def request(self, method, params=None):
        return self.result_of(self.post(method, params))

    def result_of(self, request_id):
        answer = self.answer(request_id)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    # --- The protocol -----------------------------------------------------------------------------------------

    def initialize(self, version=LEGACY[0]):
        result = self.request("initialize", {
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}})
        self.notify("notifications/initialized")
        return result

    def tools(self):
        return {tool["name"]: tool for tool in self.request("tools/list")["tools"]}

    def post_call(self, tool, arguments, meta=None):
        params = {"name": tool, "arguments": arguments}
        if meta:
            params["_meta"] = meta
        return self.post("tools/call", params)

    def call(self, tool, /, **arguments):
        """What the tool returns; ToolError."""
        return self.outcome(tool, self.post_call(tool, arguments))

    def outcome(self, tool, request_id):
        result = self.result_of(request_id)
        self.last_size = size_of(result)
        texts = [part["text"] for part in result["content"] if part["type"] == "text"]
        if result.get("isError"):
            raise ToolError("\n".join(texts), result.get("structuredContent"))
        structured = result["structuredContent"]
        if not self.output_schemas:
            self.output_schemas = {name: each["outputSchema"] for name, each in self.tools().items()}
        schema.check(structured, self.output_schemas[tool], tool)
        if json.loads(texts[0]) != structured:
            raise AssertionError(f"{tool}: the text is not the structured content: {texts[0][:500]}")
        return structured

    def error(self, tool, /, **arguments):
        """The text of an error that the tool has to end with."""
        try:
            result = self.call(tool, **arguments)
        except ToolError as error:
            return error.text
        raise AssertionError(f"{tool}({arguments}) is no error: {result}")

    # --- The end ----------------------------------------------------------------------------------------------

    def complaints(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def end_input(self):
        """Waits for the process to end by itself, and returns its exit code."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server is there {DEADLINE} s after the end of its input") from None
        self.reader.join(DEADLINE)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(DEADLINE)
        for file in [self.stderr, self.process.stdin, self.process.stdout]:
            try:
                file.close()
            except BrokenPipeError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if not kind:
                code = self.end_input()
                assert code == 0, f"exit code {code}: {self.complaints()}"
                assert not self.troubles, self.troubles
        finally:
            self.kill()


def eventually(condition, what):
    """The condition comes true within a minute, which only a busy machine needs."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"did not come true: {what}")


def is_running(word):
    """Whether a process of any sandbox has the word among its arguments."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if word.encode() in file.read().split(b"\0"):
                        return True
            except OSError:
                pass
    return False


def odd_duration(number=0):
    """Seconds that no other process sleeps."""
    return f"{1000 + number}.{os.getpid()}{time.monotonic_ns() % 1000000}"
