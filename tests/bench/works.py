"""The works that have a bar, for us, for the floor and for the peers."""

import os

import floors
from measure import Failed, measure, run
from peers import Buildah, Docker
from project import Project, touch

# 1 GiB in one file and 10,000 small ones.
WRITE = ('mkdir -p /out && head -c 1073741824 /dev/zero >/out/big && i=0 && '
         'while [ $i -lt 10000 ]; do echo $i >/out/$i; i=$((i+1)); done')


def sync(_=None):
    """Nobody should have to wait for what another has written before."""
    os.sync()


class Work:
    """One row of the table. `floor` and the `peers` may be missing; `bar` is in seconds or, when `bar_is_ratio`,
    against the floor."""

    def __init__(self, name, title, bar, floor_name='', bar_is_ratio=False):
        self.name = name
        self.title = title
        self.bar = bar
        self.bar_is_ratio = bar_is_ratio
        self.floor_name = floor_name
        self.peers = {}

    def mstage(self, bench):
        raise NotImplementedError

    def floor(self, bench):
        return None


class NullBuild(Work):
    def __init__(self, files, bar, floor_name=''):
        super().__init__(f'null-{files}', f'nothing to do, {files:,} source files', bar, floor_name)
        self.files = files
        self.peers = {'BuildKit': lambda bench: bench.peer(Docker).null_build(files, bench.runs(10)),
                      'buildah': lambda bench: bench.peer(Buildah).null_build(files, bench.runs(5))}

    def mstage(self, bench):
        return bench.project(self.files).measure(bench.runs(20))

    def floor(self, bench):
        return floors.ninja_stats(bench.directory(f'ninja-{self.files}'), self.files, bench.runs(20))


class OneChange(Work):
    def __init__(self):
        super().__init__('change', 'one of 10,000 source files changed, one trivial stage', 0.080)
        self.peers = {'BuildKit': lambda bench: bench.peer(Docker).changed_build(10_000, bench.runs(5)),
                      'buildah': lambda bench: bench.peer(Buildah).changed_build(10_000, bench.runs(3))}

    def mstage(self, bench):
        project = bench.project(10_000)
        return project.measure(bench.runs(15), lambda i: touch(project.source, f'mstage {i}'))


class RunTrue(Work):
    def __init__(self):
        super().__init__('run', 'disposable run of true', 0.010, 'unshare + overlay + bwrap')
        self.peers = {'docker run': lambda bench: bench.peer(Docker).run_true(bench.runs(10))}

    def mstage(self, bench):
        return bench.mstage.measure(['run', 'tag:bench', 'true'], bench.runs(40), warmup=3)

    def floor(self, bench):
        return floors.bare_sandbox(bench.directory('bare'), bench.rootfs(), bench.runs(40))


class TrivialStage(Work):
    def __init__(self):
        super().__init__('stage', 'trivial stage, run and committed', 0.015)
        self.peers = {'BuildKit': lambda bench: bench.peer(Docker).stage('true', bench.runs(10)),
                      'buildah': lambda bench: bench.peer(Buildah).stage('true', bench.runs(5))}

    def mstage(self, bench):
        project = bench.project(100)
        return bench.mstage.measure(project.stage(), bench.runs(40),
                                    lambda i: project.set_command(f'true # stage {i}'), warmup=3)


class Write(Work):
    def __init__(self):
        super().__init__('write', 'stage that writes 1 GiB and 10,000 files', 1.1, 'the same in bare bwrap', True)
        self.peers = {'BuildKit': lambda bench: bench.peer(Docker).stage(WRITE, bench.runs(2), sync),
                      'buildah': lambda bench: bench.peer(Buildah).stage(WRITE, 1, sync)}

    def mstage(self, bench):
        project = bench.project(100)

        def prepare(i):
            project.set_command(f'{WRITE} # {i}')
            sync()

        return bench.mstage.measure(project.stage(), bench.runs(5), prepare)

    def floor(self, bench):
        return floors.bare_write(bench.rootfs(), WRITE, 'out', bench.runs(5), sync)


class Import(Work):
    def __init__(self):
        super().__init__('import', 'import of the root filesystem tar', 1.2, 'tar -x', True)
        self.peers = {
            'docker import': lambda bench: bench.peer(Docker).import_tar(bench.tar, bench.runs(3), sync),
            'podman import': lambda bench: bench.peer(Buildah).import_tar(bench.tar, bench.runs(3), sync)}

    def mstage(self, bench):
        return bench.mstage.measure(['import', '--refresh', f'rootfs:{bench.tar}'], bench.runs(5), sync)

    def floor(self, bench):
        return floors.tar_extract(bench.directory('tar'), bench.tar, bench.runs(5), sync)


class Rollback(Work):
    """All that is behind the base is dropped; between two of them it is taken back, unmeasured."""

    def __init__(self):
        super().__init__('rollback', 'rollback, 10,000 source files, 20 layers', 0.010)

    def mstage(self, bench):
        project = bench.deep_project()
        back, undo = project.verb('rollback', 'setup-base'), project.verb('rollback', '--undo')
        bench.mstage.run(*back)
        result = bench.mstage.measure(back, bench.runs(40), lambda i: bench.mstage.run(*undo))
        bench.mstage.run(*undo)
        return result


class PutBack(Work):
    """A checkpoint becomes its generation before, again and again."""

    def __init__(self):
        super().__init__('put-back', 'rollback --to @-1, 10,000 source files, 20 layers', 0.010)

    def mstage(self, bench):
        project = bench.deep_project()
        touch(project.source, 'put back')
        project.make()
        result = bench.mstage.measure(project.verb('rollback', 'build-complete', '--to', '@-1'), bench.runs(40))
        bench.mstage.run(*project.verb('rollback', '--unpin', 'build-complete'))
        project.make()
        return result


class Undo(Work):
    def __init__(self):
        super().__init__('undo', 'rollback taken back, 10,000 source files, 20 layers', 0.010)

    def mstage(self, bench):
        project = bench.deep_project()
        back, undo = project.verb('rollback', 'setup-base'), project.verb('rollback', '--undo')
        return bench.mstage.measure(undo, bench.runs(40), lambda i: bench.mstage.run(*back))


class Restore(Work):
    """The stage's key is in the store, the marker is gone: as after ninja clean."""

    def __init__(self):
        super().__init__('restore', 'stage restored by its key, 10,000 source files, 20 layers', 0.010)

    def mstage(self, bench):
        return restore(bench.mstage, bench.deep_project(), bench.runs(40))


def restore(mstage, project, runs):
    marker = os.path.join(project.build, '.mstage/bench/build-complete.checkpoint')
    mstage.run(*project.stage())
    if not os.path.exists(marker):
        raise Failed(f'the marker is not at {marker}')
    return measure(mstage.command(*project.stage()), runs, lambda i: os.unlink(marker), env=mstage.env)


# A work's name is what --only takes.
WORKS = [NullBuild(10_000, 0.028, 'Ninja with a deps log'), NullBuild(100, 0.010, 'Ninja with a deps log'), OneChange(),
         RunTrue(), TrivialStage(), Write(), Import(), Restore(), Rollback(), PutBack(), Undo()]
