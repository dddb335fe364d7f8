"""What the same work costs without any of these programs: the bottom of what can be had."""

import os
import tempfile
import subprocess

from measure import Failed, measure, run
from project import make_source


def bwrap(root):
    return ['bwrap', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--die-with-parent', '--new-session', '--bind',
            root, '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp']


NINJA_FILE = '''rule edge
  command = touch out
  deps = gcc
  depfile = depfile
build out: edge
'''


def ninja_stats(directory, files, runs):
    """A build with nothing to do, of one edge whose inputs are in Ninja's own log of dependencies."""
    source = os.path.join(directory, 'src')
    make_source(source, files)
    names = [os.path.join(root, name) for root, _, found in os.walk(source) for name in found]
    with open(os.path.join(directory, 'build.ninja'), 'w', encoding='ascii') as file:
        file.write(NINJA_FILE)
    with open(os.path.join(directory, 'depfile'), 'w', encoding='ascii') as file:
        file.write('out: ' + ' '.join(names) + '\n')
    run(['ninja', '-C', directory])
    if 'no work to do' not in run(['ninja', '-C', directory]):
        raise Failed('Ninja finds work to do where there is none')
    return measure(['ninja', '-C', directory], runs)


def bare_sandbox(directory, rootfs, runs):
    """unshare, one overlay, bwrap and true, put together by a shell."""
    for name in ('upper', 'work', 'root'):
        os.makedirs(os.path.join(directory, name))
    line = (f'mount -t overlay -o userxattr,volatile,lowerdir={rootfs},upperdir={directory}/upper,'
            f'workdir={directory}/work none {directory}/root && exec "$@"')
    argv = ['unshare', '-Urm', 'sh', '-c', line, 'sh', *bwrap(f'{directory}/root'), 'true']

    def prepare(_):
        # A volatile overlay leaves a mark that keeps it from being mounted again.
        subprocess.run(['rm', '-rf', f'{directory}/work/work'], check=False)

    return measure(argv, runs, prepare)


def bare_write(rootfs, command, written, runs, prepare):
    """The command in bwrap, on a plain directory. What it has written stays, as in a store: memory and inodes that
    have just been freed are quicker, or slower, to get than others."""
    kept = tempfile.mkdtemp(dir=os.path.dirname(rootfs))

    def before(i):
        path = os.path.join(rootfs, written)
        if os.path.exists(path):
            os.rename(path, os.path.join(kept, str(i)))
        prepare(i)

    try:
        return measure([*bwrap(rootfs), 'sh', '-c', command], runs, before, warmup=0)
    finally:
        run(['rm', '-rf', kept, os.path.join(rootfs, written)])


def tar_extract(directory, tar, runs, prepare):
    def before(i):
        run(['rm', '-rf', directory])
        os.makedirs(directory)
        prepare(i)

    return measure(['tar', '-x', '-f', tar, '-C', directory], runs, before, warmup=0)
