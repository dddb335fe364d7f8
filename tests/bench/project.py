"""A project that uses MultiStageBuild, and its store, as the benchmark needs them."""

import json
import os

from measure import measure, run

CMAKE_LISTS = '''cmake_minimum_required(VERSION 3.22)
project(bench LANGUAGES NONE)
include(MultiStageBuild)
multi_stage_build(bench BASE "${BASE}" SOURCE "${CMAKE_CURRENT_SOURCE_DIR}/src" BUILD_COMMAND true)
'''


def make_source(path, count):
    """`count` files of 1 KiB, a hundred in each directory."""
    for i in range(count):
        directory = os.path.join(path, f'd{i // 100}')
        if i % 100 == 0:
            os.makedirs(directory)
        with open(os.path.join(directory, f'f{i}.c'), 'w', encoding='ascii') as file:
            file.write(f'int f{i};\n' * 100)


def touch(source, i):
    """Changes the content of one file, to one that it never had."""
    with open(os.path.join(source, 'd0/f7.c'), 'a', encoding='ascii') as file:
        file.write(f'// {i}\n')


class Mstage:
    """The helper with a store of its own."""

    def __init__(self, program, repository, store):
        self.program = program
        self.repository = repository
        self.env = dict(os.environ, MSTAGE_STORE=store)
        self.store = store

    def command(self, *words):
        return [self.program, *words]

    def run(self, *words):
        return run(self.command(*words), env=self.env)

    def measure(self, words, runs, prepare=None, **more):
        return measure([self.program, *words], runs, prepare, env=self.env, **more)

    def import_as(self, reference, tag):
        image = self.run('import', reference).split()[-1]
        self.run('tag', image, tag)
        return image

    def new_image(self, parent, line, tag):
        """The image that `line` makes of `parent`, tagged."""
        self.run('run', '--no-disposable', '--tag', tag, parent, '-c', line)


class Project:
    """A build tree of a project with `files` source files and one stage that runs `true` on `base`."""

    def __init__(self, mstage, path, files, base='tag:bench'):
        self.mstage = mstage
        self.path = path
        self.source = os.path.join(path, 'src')
        self.build = os.path.join(path, 'build')
        os.makedirs(path)
        make_source(self.source, files)
        with open(os.path.join(path, 'CMakeLists.txt'), 'w', encoding='ascii') as file:
            file.write(CMAKE_LISTS)
        run(['cmake', '-G', 'Ninja', '-S', path, '-B', self.build, f'-DBASE={base}',
             f'-DMSTAGE_EXECUTABLE={mstage.program}', f'-DCMAKE_MODULE_PATH={mstage.repository}/cmake',
             f'-DMSTAGE_STORE={mstage.store}'])
        # Twice: what is as new as the first scan is only trusted by the next.
        self.make()
        self.make()

    def ninja(self):
        return ['ninja', '-C', self.build, 'build-complete']

    def make(self):
        return run(self.ninja(), env=self.mstage.env)

    def measure(self, runs, prepare=None, **more):
        return measure(self.ninja(), runs, prepare, env=self.mstage.env, **more)

    def stage(self):
        """The command that makes the one stage, without the build tool."""
        return ['stage', self.plan_path(), 'build']

    def verb(self, *words):
        """The words of one of mstage's verbs for people."""
        return ['-C', self.build, *words]

    def plan_path(self):
        return os.path.join(self.build, '.mstage/bench/plan.json')

    def set_command(self, command):
        """Gives the stage another command, as an edited CMakeLists.txt would."""
        with open(self.plan_path(), encoding='utf-8') as file:
            plan = json.load(file)
        plan['stages'][0]['command'] = command
        with open(self.plan_path(), 'w', encoding='utf-8') as file:
            json.dump(plan, file)
