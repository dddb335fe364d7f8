"""How the cost of a work grows with what there is: none may grow faster than linearly."""

import json
import math
import os
import shutil
import uuid

from measure import at_once
from project import Project, touch
from works import restore, sync

# Between two sizes the exponent of growth: 1 is linear. More than that by as much as noise is suspicious.
SUPERLINEAR = 1.2
# Differences below this many seconds are noise.
NOISE = 0.002


def exponent(points):
    """The largest exponent between any size and a later one: log(time ratio) / log(size ratio)."""
    largest = 0.0
    for i, (size, time) in enumerate(points):
        for later_size, later_time in points[i + 1:]:
            if later_time - time > NOISE:
                largest = max(largest, math.log(later_time / time) / math.log(later_size / size))
    return largest


class Series:
    """One line of the growth table."""

    def __init__(self, title):
        self.title = title
        self.points = []

    def add(self, size, result):
        self.points.append((size, result['median'] if isinstance(result, dict) else result))

    def as_json(self):
        grown = exponent(self.points)
        return {'title': self.title, 'points': self.points, 'exponent': grown, 'superlinear': grown > SUPERLINEAR}


def source_files(bench):
    null, change = Series('source files: nothing to do'), Series('source files: one change')
    for files in bench.sizes([1_000, 10_000, 100_000]):
        project = bench.project(files)
        null.add(files, project.measure(bench.runs(10)))
        change.add(files, project.measure(bench.runs(5), lambda i: touch(project.source, f'growth {i}')))
    return [null, change]


def layers(bench):
    run_true, stage = Series('layers: disposable run of true'), Series('layers: run that makes a layer')
    image = 'tag:bench'
    made = 1
    for count in bench.sizes([1, 10, 50, 100, 200]):
        for number in range(made, count):
            bench.mstage.new_image(image, f'echo {number} >/layer-{number}', 'growth-layers')
            image = 'tag:growth-layers'
        made = count
        run_true.add(count, bench.mstage.measure(['run', image, 'true'], bench.runs(20)))
        stage.add(count, bench.mstage.measure(['run', '--no-disposable', image, '-c', 'echo >/new'], bench.runs(20)))
    return [run_true, stage]


def images(bench):
    """Manifests are copied under new names: 10,000 stages would take minutes."""
    run_true, null = Series('images in the store: disposable run of true'), Series('images in the store: nothing to do')
    stage, listing = Series('images in the store: trivial stage'), Series('images in the store: mstage images')
    project = bench.project(100)
    folder = os.path.join(bench.mstage.store, 'images')
    with open(os.path.join(folder, f'{bench.base_image}.json'), encoding='utf-8') as file:
        manifest = json.load(file)
    made = []
    for count in bench.sizes([100, 1_000, 10_000]):
        while len(made) < count:
            manifest['id'] = str(uuid.uuid4())
            made.append(os.path.join(folder, manifest['id'] + '.json'))
            with open(made[-1], 'w', encoding='utf-8') as file:
                json.dump(manifest, file)
        sync()
        run_true.add(count, bench.mstage.measure(['run', 'tag:bench', 'true'], bench.runs(20)))
        null.add(count, project.measure(bench.runs(10)))
        stage.add(count, bench.mstage.measure(project.stage(), bench.runs(10),
                                              lambda i: project.set_command(f'true # {count} images {i}')))
        listing.add(count, bench.mstage.measure(['images'], bench.runs(5)))
    for path in made:
        os.unlink(path)
    return [run_true, null, stage, listing]


def forks(bench):
    """Wall time per fork: constant when twice as many take twice as long."""
    series = Series('forks at once: wall time per fork')
    for count in bench.sizes([1, 4, 16, 64]):
        times = sorted(at_once(bench.mstage.command('run', 'tag:bench', 'true'), count, bench.mstage.env)
                       for _ in range(bench.runs(5)))
        series.add(count, times[len(times) // 2])
    return [series]


def image_size(bench):
    fork, restored = Series('image size in MB: disposable run of true'), Series('image size in MB: restore of a stage')
    for megabytes in bench.sizes([100, 1_000, 5_000]):
        line = f'mkdir /data && head -c {megabytes}M /dev/zero | split -b 1M -a 4 - /data/'
        bench.mstage.new_image('tag:bench', line, 'growth-size')
        sync()
        fork.add(megabytes, bench.mstage.measure(['run', 'tag:growth-size', 'true'], bench.runs(20)))
        path = bench.directory(f'size-{megabytes}')
        shutil.rmtree(path)
        project = Project(bench.mstage, path, 10, base='tag:growth-size')
        restored.add(megabytes, restore(bench.mstage, project, bench.runs(20)))
    return [fork, restored]


GROWTHS = {'growth-files': source_files, 'growth-layers': layers, 'growth-images': images, 'growth-forks': forks,
           'growth-size': image_size}
