"""The programs that MultiStageBuild is compared with. Each keeps all that it stores below one directory."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from measure import Failed, measure, run
from project import make_source, touch

BASE = 'localhost/bench-base'


class Peer:
    """What the peers share: a build is a Dockerfile, and the base is an imported tar."""

    name = ''
    programs = ()
    env = None

    def __init__(self, directory, base_tar):
        missing = [program for program in self.programs if not shutil.which(program)]
        if missing:
            raise Failed(f'{", ".join(missing)} is not installed')
        self.directory = directory
        self.base_tar = base_tar
        os.makedirs(directory)
        # For sockets and podman's run directory, whose paths have to be short.
        self.short = tempfile.mkdtemp(prefix='bench-')

    def build_argv(self, context):
        raise NotImplementedError

    def stop(self):
        """Ends what was started and unmounts what was mounted."""
        for mount_point in mounts_below(self.directory) + mounts_below(self.short):
            subprocess.run(['umount', '-l', mount_point], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.short, ignore_errors=True)

    def context(self, name, dockerfile, files=0):
        """A directory to build from, with `files` source files in src/."""
        path = os.path.join(self.directory, 'contexts', name)
        if not os.path.exists(path):
            os.makedirs(path)
            make_source(os.path.join(path, 'src'), files)
        with open(os.path.join(path, 'Dockerfile'), 'w', encoding='ascii') as file:
            file.write(f'FROM {BASE}\n{dockerfile}\n')
        return path

    def build_of_files(self, files):
        return self.context(f'files-{files}', 'COPY src /app\nRUN true', files)

    def null_build(self, files, runs):
        context = self.build_of_files(files)
        run(self.build_argv(context), env=self.env)
        return measure(self.build_argv(context), runs, env=self.env)

    def changed_build(self, files, runs):
        context = self.build_of_files(files)
        run(self.build_argv(context), env=self.env)
        source = os.path.join(context, 'src')
        return measure(self.build_argv(context), runs, lambda i: touch(source, f'{self.name} {i}'), env=self.env)

    def stage(self, command, runs, before=lambda: None):
        """Builds with `command` as the only step, another one each time."""
        context = self.context('stage', '')

        def prepare(i):
            self.context('stage', f'RUN {command} # {i}')
            before()

        return measure(self.build_argv(context), runs, prepare, env=self.env)


class Buildah(Peer):
    name = 'buildah'
    programs = ('buildah', 'podman')

    def __init__(self, directory, base_tar):
        super().__init__(directory, base_tar)
        self.isolation = ['--isolation', 'oci', '--runtime', 'runc', '--network', 'none']
        self.options = ['--root', f'{directory}/root', '--runroot', self.short, '--storage-driver', 'overlay']
        try:
            run(['podman', *self.options, 'import', '-q', base_tar, BASE])
            self.probe()
        except Failed:
            self.stop()
            raise
        self.how = ' '.join(self.isolation)

    def probe(self):
        context = self.context('probe', 'RUN true')
        try:
            run(self.build_argv(context))
        except Failed:
            self.isolation = ['--isolation', 'chroot', '--network', 'host']
            run(self.build_argv(context))

    def build_argv(self, context):
        return ['buildah', *self.options, 'build', '--layers', *self.isolation, '-t', 'bench-out', context]

    def import_tar(self, tar, runs, prepare):
        return measure(['podman', *self.options, 'import', '-q', tar, 'localhost/bench-import'], runs, prepare,
                       warmup=0)

    def stop(self):
        subprocess.run(['buildah', *self.options, 'rm', '-a'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
        super().stop()


class Docker(Peer):
    """A dockerd of our own, with its data below the directory; BuildKit is part of it."""

    name = 'docker'
    programs = ('docker', 'dockerd', 'containerd', 'runc')
    how = 'BuildKit in dockerd, RUN and run without network'

    def __init__(self, directory, base_tar):
        super().__init__(directory, base_tar)
        socket = f'unix://{self.short}/socket'
        # Debian's own: a newer client, somewhere else in PATH, would want a plugin to build with BuildKit.
        self.docker = '/usr/bin/docker' if os.path.exists('/usr/bin/docker') else 'docker'
        self.env = dict(os.environ, DOCKER_HOST=socket, DOCKER_BUILDKIT='1', DOCKER_CONFIG=f'{directory}/config')
        with open(f'{directory}/dockerd.log', 'w', encoding='ascii') as log:
            self.daemon = subprocess.Popen(
                ['dockerd', '--bridge=none', '--iptables=false', '--data-root', f'{directory}/data', '--exec-root',
                 f'{self.short}/exec', '--pidfile', f'{self.short}/pid', '-H', socket], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            self.wait_until_ready()
            run([self.docker, 'import', base_tar, BASE], env=self.env)
            run(self.build_argv(self.context('probe', 'RUN true')), env=self.env)
        except Failed:
            self.stop()
            raise

    def wait_until_ready(self):
        for _ in range(300):
            if self.daemon.poll() is not None:
                break
            try:
                run([self.docker, 'version'], env=self.env)
                return
            except Failed:
                time.sleep(0.1)
        with open(f'{self.directory}/dockerd.log', encoding='utf-8', errors='replace') as log:
            raise Failed('dockerd does not start: ' + (log.read().splitlines() or ['no message'])[-1])

    def build_argv(self, context):
        return [self.docker, 'build', '-q', '--network', 'none', '-t', 'bench-out', context]

    def run_true(self, runs):
        return measure([self.docker, 'run', '--rm', '--network', 'none', BASE, 'true'], runs, env=self.env)

    def import_tar(self, tar, runs, prepare):
        return measure([self.docker, 'import', tar, 'bench-import'], runs, prepare, warmup=0, env=self.env)

    def stop(self):
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.daemon.pid, signal.SIGKILL)
                self.daemon.wait()
        super().stop()


def mounts_below(directory):
    """Innermost first."""
    with open('/proc/self/mountinfo', encoding='utf-8', errors='replace') as file:
        points = [line.split(' ')[4] for line in file]
    return sorted((point for point in points if point.startswith(directory + '/')), reverse=True)


class Peers:
    """Each peer, started when it is wanted for the first time; why one is missing is said once."""

    def __init__(self, directory, base_tar):
        self.directory = directory
        self.base_tar = base_tar
        self.started = {}
        self.missing = {}

    def get(self, kind):
        if kind.name in self.missing:
            raise Failed(f'not there: {self.missing[kind.name]}')
        if kind.name not in self.started:
            try:
                self.started[kind.name] = kind(os.path.join(self.directory, kind.name), self.base_tar)
            except Failed as error:
                self.missing[kind.name] = str(error)
                raise
        return self.started[kind.name]

    def stop(self):
        for peer in self.started.values():
            peer.stop()
