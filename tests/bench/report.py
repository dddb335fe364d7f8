"""Results as a table for people, which is Markdown, and as JSON."""

import os
import platform
import subprocess


def short_time(seconds):
    if seconds < 0.9995:
        return f'{seconds * 1000:.1f} ms' if seconds < 0.0995 else f'{seconds * 1000:.0f} ms'
    return f'{seconds:.2f} s'


def output_of(*argv):
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False).stdout.strip()
    except OSError:
        return ''


def machine(directory):
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        models = [line.split(':', 1)[1].strip() for line in file if line.startswith('model name')]
    with open('/proc/meminfo', encoding='utf-8') as file:
        memory = int(file.readline().split()[1]) // 1024 // 1024
    packages = ('bubblewrap', 'ninja-build', 'buildah', 'podman', 'docker.io', 'containerd', 'runc')
    versions = {package: output_of('dpkg-query', '-W', '-f', '${Version}', package) for package in packages}
    return {'cpu': models[0] if models else 'unknown', 'cores': len(os.sched_getaffinity(0)), 'memory_gib': memory,
            'kernel': platform.release(), 'os': output_of('sh', '-c', '. /etc/os-release; echo "$PRETTY_NAME"'),
            'file_system': output_of('findmnt', '-n', '-o', 'FSTYPE,OPTIONS', '-T', directory),
            'load': round(os.getloadavg()[0], 1),
            'packages': {name: version for name, version in versions.items() if version}}


def machine_lines(info):
    yield (f'{info["cpu"]}, {info["cores"]} cores, {info["memory_gib"]} GiB; {info["os"]}, Linux {info["kernel"]}; '
           f'all data on one {info["file_system"]}; load at the start {info["load"]}')
    yield 'packages: ' + ', '.join(f'{name} {version}' for name, version in info['packages'].items())


def median_of(result):
    return None if result is None or 'failed' in result else result['median']


def verdict(work, row):
    """The bar, and whether it is held."""
    ours, floor = median_of(row['mstage']), median_of(row['floor'])
    if work.bar is None or ours is None:
        return '–' if work.bar is None else 'not measured'
    if not work.bar_is_ratio:
        return f'≤ {work.bar * 1000:.0f} ms: {"held" if ours <= work.bar else "MISSED"}'
    if floor is None:
        return f'≤ {work.bar} × the floor: floor not measured'
    return f'≤ {work.bar} × the floor: {"held" if ours <= work.bar * floor else "MISSED"}'


def cell(result, ours):
    """A time of somebody else's, and how many times ours it is."""
    time = median_of(result)
    if time is None:
        return '–' if result is None else 'failed'
    return short_time(time) + (f' ({time / ours:.1f} ×)' if ours else '')


def work_table(works, rows):
    yield '| work | mstage | of it CPU | bar | floor | peers (× mstage) |'
    yield '|---|---:|---:|---|---|---|'
    for work in works:
        row = rows[work.name]
        ours = median_of(row['mstage'])
        cpu = short_time(row['mstage']['cpu']) if ours else '–'
        floor = cell(row['floor'], ours)
        if row['floor'] is not None and work.floor_name:
            floor = f'{work.floor_name}: {floor}'
        peers = ', '.join(f'{name} {cell(result, ours)}' for name, result in row['peers'].items()) or '–'
        time = short_time(ours) if ours else 'failed'
        yield f'| {work.title} | {time} | {cpu} | {verdict(work, row)} | {floor} | {peers} |'


def growth_table(series):
    yield '| growth | sizes and times | exponent |'
    yield '|---|---|---:|'
    for one in series:
        points = ', '.join(f'{size:,}: {short_time(time)}' for size, time in one['points'])
        mark = ' SUPERLINEAR' if one['superlinear'] else ''
        yield f'| {one["title"]} | {points} | {one["exponent"]:.2f}{mark} |'
