"""What of this machine the tools reach: what is below the roots, and nothing by way of links and dots.

In the store there is an image, tag:base.
"""

import os
import stat
import subprocess
import tempfile
import unittest

from server import Server

IMAGE = "tag:base"
SECRET = "a secret of this machine"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Roots(unittest.TestCase):
    def setUp(self):
        self.base = os.path.realpath(tempfile.mkdtemp(dir="."))
        self.root = self.base + "/root"
        self.outside = self.base + "/outside"
        write(self.root + "/project/file", "inside\n")
        write(self.outside + "/file", SECRET)
        os.makedirs(self.outside + "/bin")
        # Beside the root, with a name that begins as the root's.
        write(self.base + "/root-2/file", SECRET)
        os.symlink(self.outside, self.root + "/link")
        os.symlink("../outside/file", self.root + "/file-link")
        os.symlink(self.root + "/project", self.root + "/good-link")
        self.server = Server("--root", self.root, cwd=self.root)
        self.addCleanup(self.server.kill)

    def tearDown(self):
        self.server.__exit__(None)

    def outside_paths(self, name=""):
        return [path + name for path in [
            self.outside, self.base, self.base + "/root-2", self.root + "/../outside", self.root + "/link",
            self.root + "/project/../../outside", self.root + "/link/../outside", "/", "/etc", "/proc/self/root" + self.outside,
            self.root + "/good-link/../../outside"]]

    def refused(self, path, tool, /, **arguments):
        with self.subTest(tool=tool, path=path):
            text = self.server.error(tool, **arguments)
            # Of a pattern the directory is enough.
            self.assertIn(path.split("*")[0].rstrip("/") or "/", text)
            self.assertNotIn(SECRET, text)
            # The remedy names the option that would allow it.
            self.assertIn("--root", text)

    def test_rsync(self):
        for path in self.outside_paths():
            self.refused(path, "rsync", source=path)
        for path in self.outside_paths("/*"):
            self.refused(path, "rsync", source=path)
        self.refused(self.root + "/file-link", "rsync", source=self.root + "/file-link")
        self.refused(self.root + "/../*/file", "rsync", source=self.root + "/../*/file")

    def test_upload(self):
        write(self.base + "/file", SECRET)
        for path in [*self.outside_paths("/file"), self.root + "/file-link", "/etc/passwd"]:
            if os.path.exists(path):
                self.refused(path, "upload", path=path)

    def test_whether_something_is_outside_is_not_told(self):
        for tool, name, prefix in [("upload", "path", ""), ("rsync", "source", ""), ("import_image", "registry_url", "rootfs:"),
                                   ("pipeline_status", "build_dir", "")]:
            there = self.server.error(tool, **{name: prefix + self.outside})
            missing = self.server.error(tool, **{name: prefix + self.base + "/missing"})
            self.assertEqual(there.replace("outside", "missing", 1), missing)

    def test_download(self):
        for path in [*self.outside_paths("/new"), self.root + "/link/new"]:
            self.refused(path, "download", image=IMAGE, path="/etc/passwd", destination=path)
        self.assertFalse(os.path.exists(self.outside + "/new"))
        # A link is replaced, or refused; what it points to stays what it was.
        try:
            self.server.call("download", image=IMAGE, path="/etc/passwd", destination=self.root + "/file-link")
        except Exception:  # noqa: either is good
            pass
        with open(self.outside + "/file", encoding="utf-8") as file:
            self.assertEqual(SECRET, file.read())

    def test_import_image(self):
        for path in self.outside_paths():
            self.refused(path, "import_image", registry_url="rootfs:" + path)
        for kind in ["oci:", "oci-archive:", "docker-archive:"]:
            self.refused(self.outside, "import_image", registry_url=kind + self.outside)
            self.refused(self.root + "/link", "import_image", registry_url=kind + self.root + "/link:tag")

    def test_a_build_tree(self):
        for path in [self.outside, self.root + "/link"]:
            for tool in ["pipeline_status", "history"]:
                self.refused(path, tool, build_dir=path)
            self.refused(path, "build", build_dir=path, checkpoint="build-complete")

    def test_a_checkpoint_is_no_option(self):
        # A build tree of somebody else.
        tree = self.outside + "/build"
        os.makedirs(tree + "/.mstage/app")
        for option in ["-C" + tree, "--help", "--undo", "--version"]:
            for tool in ["history", "why", "build", "rollback"]:
                with self.subTest(tool=tool, option=option):
                    text = self.server.error(tool, checkpoint=option)
                    self.assertNotIn("Usage", text)
                    self.assertNotIn(tree + "'", text.replace(option, ""))

    def test_the_system_of_this_machine(self):
        text = self.server.error("import_image", registry_url="host")
        self.assertIn("host", text)
        self.assertIn("--allow-host", text)

    def test_the_system_of_this_machine_in_a_store_already(self):
        with Server("--root", self.root, "--allow-host") as server:
            host = server.call("import_image", registry_url="host")["image"]
            self.assertTrue(server.call("run", image=host, command="true")["ok"])
        for tool, arguments in [("run", {"command": "cat /etc/passwd"}), ("list_files", {}), ("read_file", {"path": "/etc/passwd"}),
                                ("download", {"path": "/etc/passwd", "destination": self.root + "/stolen"})]:
            self.assertIn("--allow-host", self.server.error(tool, image=host, **arguments))
        self.assertFalse(os.path.exists(self.root + "/stolen"))

    def test_what_is_below_a_root(self):
        for path in [self.root, self.root + "/project", self.root + "/good-link", self.root + "/project/../project",
                     self.root + "/./project//", self.root + "/proj*", self.root + "/project/fil?"]:
            with self.subTest(path):
                self.assertGreaterEqual(self.server.call("rsync", source=path)["files"], 1)
        uploaded = self.server.call("upload", path=self.root + "/project/file")
        self.assertEqual(7, uploaded["size"])
        for name in ["new", "project/new", "good-link/new-2"]:
            self.server.call("download", image=IMAGE, path="/etc/passwd", destination=f"{self.root}/{name}", executable=True)
            self.assertTrue(os.stat(f"{self.root}/{name}").st_mode & stat.S_IXUSR)
        with open(self.root + "/new", encoding="utf-8") as file:
            self.assertEqual(self.server.call("read_file", image=IMAGE, path="/etc/passwd")["content"], file.read())

    def test_links_in_what_is_taken_stay_links(self):
        state = self.server.call("rsync", source=self.root)["directory_state_id"]
        done = self.server.call("run", image=IMAGE, directory_state_id=state, cwd="/app",
                                command="readlink link file-link; cat file-link link/file project/file")
        self.assertEqual([f"{self.outside}\n../outside/file\ninside\n", False], [done["stdout"], done["ok"]])

    def test_a_run_sees_only_what_was_taken(self):
        state = self.server.call("rsync", source=self.root + "/project")["directory_state_id"]
        done = self.server.call("run", image=IMAGE, directory_state_id=state, cwd="/app", command=(
            f"cat {self.outside}/file {self.root}/project/file; ls {self.base} {os.environ['MSTAGE_STORE']}; cat /app/file; "
            "echo changed >/app/file; echo made >/app/made"))
        self.assertEqual("inside\n", done["stdout"])
        with open(self.root + "/project/file", encoding="utf-8") as file:
            self.assertEqual("inside\n", file.read())
        self.assertEqual(["file"], os.listdir(self.root + "/project"))

    def test_what_rsync_takes(self):
        project = self.root + "/project"
        write(project + "/.git/HEAD", "x")
        write(project + "/.hidden", "x")
        write(project + "/build/kept", "x")
        write(project + "/node_modules/a/b", "x")
        write(project + "/deep/skip.o", "x")
        os.makedirs(project + "/empty")
        os.chmod(project + "/file", 0o755)
        taken = self.server.call("rsync", source=project, destination="/src", exclude=["node_modules", "*.o"])
        self.assertEqual([project, "/src"], [taken["source"], taken["destination"]])
        # Once is enough: the result has them.
        kept = self.server.call("run", image=IMAGE, directory_state_id=taken["directory_state_id"], command="true",
                                disposable=False)["result_image"]
        listed = self.server.call("list_files", image=kept, path="/src", recursive=True, limit=1000)["files"]
        names = {entry["path"]: entry for entry in listed}
        self.assertEqual({".hidden", "build", "build/kept", "deep", "empty", "file"},
                         {path.removeprefix("/src/") for path in names})
        self.assertIn("755", next(entry["mode"] for path, entry in names.items() if path.endswith("file")))
        same = self.server.call("rsync", source=project, destination="/src", exclude=["node_modules", "*.o"])
        self.assertEqual(taken["directory_state_id"], same["directory_state_id"])
        write(project + "/file", "changed\n")
        other = self.server.call("rsync", source=project, destination="/src", exclude=["node_modules", "*.o"])
        self.assertNotEqual(taken["directory_state_id"], other["directory_state_id"])
        done = self.server.call("run", image=kept, directory_state_id=other["directory_state_id"], command="cat /src/file")
        self.assertEqual("changed\n", done["stdout"])

    def test_without_roots_it_is_where_the_server_was_started(self):
        with Server(cwd=self.root + "/project") as server:
            self.assertEqual(1, server.call("rsync", source=self.root + "/project")["files"])
            self.assertIn("--root", server.error("rsync", source=self.root))
            self.assertIn("--root", server.error("upload", path=self.outside + "/file"))

    def test_never_the_whole_machine_nor_a_home(self):
        home = os.environ["HOME"]
        write(home + "/file", SECRET)
        with Server(cwd="/") as server:
            self.assertIn("--root", server.error("upload", path=home + "/file"))
            self.assertIn("--root", server.error("rsync", source="/etc"))
        with Server(cwd=home) as server:
            self.assertIn("--root", server.error("upload", path=home + "/file"))
        # Unless it is asked for.
        with Server("--root", home, cwd="/") as server:
            self.assertEqual(len(SECRET), server.call("upload", path=home + "/file")["size"])

    def test_several_roots(self):
        with Server("--root", self.root + "/project", "--root", self.outside, cwd="/") as server:
            server.call("rsync", source=self.root + "/project")
            server.call("rsync", source=self.outside)
            self.assertIn("--root", server.error("rsync", source=self.root))

    def test_a_root_that_is_a_link(self):
        os.symlink(self.root + "/project", self.base + "/root-link")
        with Server("--root", self.base + "/root-link", cwd="/") as server:
            self.assertEqual(7, server.call("upload", path=self.base + "/root-link/file")["size"])
            self.assertEqual(7, server.call("upload", path=self.root + "/project/file")["size"])

    def test_a_root_that_is_not_there(self):
        done = subprocess.run([os.environ["MSTAGE_EXECUTABLE"], "mcp", "--root", self.base + "/no-such"], input=b"",
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(b"", done.stdout)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(b"no-such", done.stderr)

    def test_a_file_that_is_no_file(self):
        os.mkfifo(self.root + "/fifo")
        self.assertIn("fifo", self.server.error("upload", path=self.root + "/fifo"))
        self.assertIn("project", self.server.error("upload", path=self.root + "/project"))
        self.assertIn("project", self.server.error("download", image=IMAGE, path="/etc/passwd",
                                                   destination=self.root + "/project"))

    def test_links_in_an_image_do_not_lead_out_of_it(self):
        image = self.server.call("run", image=IMAGE, disposable=False, command=(
            f"ln -s {self.outside}/file /absolute; ln -s ../../../../../../../../../..{self.outside}/file /dots; "
            f"ln -s {self.outside} /directory; ln -s etc/passwd /good; ln -s /loop /loop"))["result_image"]
        for path in ["/absolute", "/dots", "/directory/file", "/loop", "/../../../.." + self.outside + "/file"]:
            self.assertNotIn(SECRET, self.server.error("read_file", image=image, path=path))
            self.assertNotIn(SECRET, self.server.error("download", image=image, path=path, destination=self.root + "/new"))
            uri = f"mstage://image/{image}/read{path}"
            with self.assertRaises(Exception):
                self.server.request("resources/read", {"uri": uri})
        self.assertNotIn(SECRET, self.server.error("list_files", image=image, path="/directory"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
