"""Running commands, and what they cost."""

import os
import signal
import statistics
import subprocess
import time

DEADLINE = 300  # seconds that one command may take


class Failed(Exception):
    """A command did not do what it should; the text is for the reader of the report."""


def expire(_number, _frame):
    raise Failed(f'took longer than {DEADLINE} s')


def wait_for(pid):
    """As wait4(), but not for ever; nothing outlives the wait."""
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(DEADLINE)
    try:
        return os.wait4(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGTERM)
        raise
    finally:
        signal.alarm(0)


def run(argv, cwd=None, env=None, patience=DEADLINE):
    """Runs a command that has to succeed, outside of any measuring, and returns its standard output."""
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, timeout=patience,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace')
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ['no message']
        raise Failed(f'{os.path.basename(argv[0])} ended with {done.returncode}: {last[0]}')
    return done.stdout


def timed(argv, cwd=None, env=None):
    """One execution: (wall, cpu) in seconds; cpu is that of the command and all children that were waited for.

    vfork and wait4 by hand: to be as near to the command as hyperfine is, and to have the children's time too.
    """
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
               (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    here = os.getcwd()
    if cwd:
        os.chdir(cwd)
    try:
        start = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, env or os.environ, file_actions=actions)
        _, status, usage = wait_for(pid)
        wall = time.perf_counter() - start
    except OSError as error:
        raise Failed(str(error)) from error
    finally:
        os.chdir(here)
    if status != 0:
        run(argv, cwd, env)  # once more, for its message
        raise Failed(f'{os.path.basename(argv[0])} failed once and then succeeded')
    return wall, usage.ru_utime + usage.ru_stime


def measure(argv, runs, prepare=None, warmup=1, cwd=None, env=None):
    """Medians of `runs` executions. prepare(i) is called before each, unmeasured; `argv` may be a function of i."""
    walls, cpus = [], []
    for i in range(-warmup, runs):
        if prepare:
            prepare(i)
        wall, cpu = timed(argv(i) if callable(argv) else argv, cwd, env)
        if i >= 0:
            walls.append(wall)
            cpus.append(cpu)
    return {'median': statistics.median(walls), 'min': min(walls), 'max': max(walls),
            'cpu': statistics.median(cpus), 'runs': runs}


def at_once(argv, count, env=None):
    """Wall time of `count` executions that are started together, per execution."""
    start = time.perf_counter()
    running = [subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for _ in range(count)]
    failures = sum(process.wait() != 0 for process in running)
    wall = time.perf_counter() - start
    if failures:
        raise Failed(f'{failures} of {count} executions failed')
    return wall / count
