"""Times the kernels and networks of a folder on the runtimes of this machine. See README.md."""

import argparse
import collections
import gc
import importlib
import json
import math
import os
import platform as machine
import subprocess
import sys
import time

# At the end of the path: the standard library has a `profile` too.
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path = [one for one in sys.path if os.path.abspath(one) != FOLDER] + [FOLDER, os.path.join(FOLDER, "../../web/kit/scripts")]

import protocol  # noqa: E402

import networks  # noqa: E402
import platforms  # noqa: E402
import results  # noqa: E402
from runtimes import base  # noqa: E402

# What a process may hold; the networks it loads before are those it measures.
MOST_MEMORY = 13 * 2**30  # bytes
SECONDS_KERNELS, SECONDS_NETWORKS = 120, 90
MOST_CRASHES = 5


def memory():
    """What this process holds, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor():
    """Such as: AMD EPYC (Zen 5)."""
    about = {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            about.setdefault(name.strip(), value.strip())
    generation = {"23": "Zen or Zen 2", "25": "Zen 3 or 4", "26": "Zen 5"}.get(about.get("cpu family"))
    name = about.get("model name", machine.machine())
    return "%s (%s)" % (name, generation) if about.get("vendor_id") == "AuthenticAMD" and generation else name


def runtime_of(platform, cache):
    if platform.runtime in ("onnxruntime-web", "tfjs"):
        return importlib.import_module("runtimes.node").Runtime(platform.threads, cache, platform.runtime, **platform.settings)
    return importlib.import_module("runtimes." + platform.runtime).Runtime(platform.threads, cache, **platform.settings)


def loaded(runtime, network, feeds, answer):
    """A function that runs the network, and how far its answer is from what is expected."""
    run = runtime.load(network, feeds(network))
    result = run()
    found = networks.sample(runtime.answer(network, result))
    return run, networks.distance(found, answer, runtime.step(network, result))


class LeftOut:
    """Networks that a platform does not run, and those it answers wrongly, by type."""

    def __init__(self):
        self.not_run, self.wrong, self.why = collections.Counter(), collections.Counter(), {}

    def add(self, network, wrong, why):
        (self.wrong if wrong else self.not_run)[networks.kind(network)] += 1
        self.why.setdefault((networks.kind(network), wrong), "%s: %s" % (network.arch, " ".join(str(why).split())[:200]))

    def text(self):
        parts = []
        for what, counts in (("not run", self.not_run), ("wrong", self.wrong)):
            if counts:
                parts.append("%s: %s" % (what, ", ".join("%s %d" % pair for pair in sorted(counts.items()))))
        return "; ".join(parts) or "none"


class Crashes:
    """Networks that end the process: the one being loaded is kept in a file, and after a crash in another, for the next try."""

    def __init__(self, out):
        self.trying, self.known = out + ".trying", out + ".crashes"

    def begin(self, network):
        with open(self.trying, "w", encoding="utf-8") as file:
            file.write(network.arch)

    def finish(self):
        for path in (self.trying, self.known):
            if os.path.exists(path):
                os.remove(path)

    def skipped(self):
        if not os.path.exists(self.known):
            return set()
        with open(self.known, encoding="utf-8") as file:
            return set(file.read().splitlines())

    def note(self):
        """After a crash: whether there is another to leave out."""
        if not os.path.exists(self.trying):
            return False
        with open(self.trying, encoding="utf-8") as file, open(self.known, "a", encoding="utf-8") as known:
            known.write(file.read() + "\n")
        os.remove(self.trying)
        return True


def load_all(platform, runtime, listed, feeds, answers, budget, crashes):
    """As many of the networks as time and memory allow: indices and functions that run them."""
    ready, left_out, skipped, held = [], LeftOut(), crashes.skipped(), 0
    for i, network in enumerate(listed):
        if network.arch in skipped or networks.kind(network) in platform.without:
            left_out.add(network, False, "ends the process")
            continue
        crashes.begin(network)
        begin, run_ms = time.perf_counter(), None
        try:
            run, apart = loaded(runtime, network, feeds, answers[i])
            if not apart <= platforms.tolerance(platform, network):
                left_out.add(network, True, "%.3g apart" % apart)
            else:
                before = time.perf_counter() - begin
                run_ms = runtime.visit(run, 1e-4, dict(results.PROTOCOL, visit_ms=0))
                begin = time.perf_counter() - before
                ready.append((i, run))
        except Exception as error:  # whatever a runtime throws
            left_out.add(network, False, "%s %s" % (type(error).__name__, error))
        budget.add(time.perf_counter() - begin, run_ms)
        held += network.bytes
        if budget.spent() or memory() > MOST_MEMORY or held > runtime.most_held:
            return ready, i + 1, left_out
    return ready, len(listed), left_out


def measure(runtime, ready, rounds, numbers):
    """Readings by round and network, in ms."""
    tick_ms, readings = protocol.clock_tick(), []
    for number in range(rounds):
        one = [math.nan] * len(ready)
        # A collection in the middle of a reading would be part of it.
        gc.disable()
        for i in protocol.visit_order(len(ready), number):
            one[i] = runtime.visit(ready[i][1], tick_ms, numbers)
        gc.enable()
        gc.collect()
        readings.append(one)
    return readings


def profile(platform, folder, out, cache, seconds, limit, count, whole=False):
    """Measures one platform and writes its file. `whole`: they are networks, few, and visited for longer."""
    begin = time.perf_counter()
    listed = networks.read(folder)[:limit]
    feeds = networks.Feeds(listed)
    answers = networks.answers(listed, feeds, cache)
    runtime, crashes = runtime_of(platform, cache), Crashes(out)
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    ready, tried, left_out = load_all(platform, runtime, listed, feeds, answers, results.Budget(seconds, count), crashes)
    if not ready:
        raise SystemExit("%s: runs none of them; %s" % (platform.id, "; ".join(left_out.why.values())))
    crashes.finish()
    loading = time.perf_counter() - begin
    rounds = measure(runtime, ready, count, results.PROTOCOL_NETWORKS if whole else results.PROTOCOL)
    five, ten = results.retest(rounds)
    about = {
        "id": platform.id,
        "title": title(platform, runtime.version),
        "runtime": platform.runtime,
        "version": runtime.version,
        "precision": platform.precision,
        "threads": platform.threads,
        "settings": json.dumps(dict(platform.settings, **platform.environment), sort_keys=True),
        "rounds": len(rounds),
        "retest_5": "%.3f" % five,
        "retest_10": "%.3f" % ten,
        "tried": "%d of %d" % (tried, len(listed)),
        "left_out": left_out.text(),
    }
    protocol.write_atomically(out, results.table([listed[i].arch for i, _ in ready], rounds, about))
    for why in left_out.why.values():
        print("  left out: %s" % why, file=sys.stderr)
    print(
        "%s: %d of %d, %d rounds, retest %.1f / %.1f %%, %.0f s (%.0f s loading), %.1f GiB; left out: %s"
        % (out, len(ready), len(listed), len(rounds), 100 * five, 100 * ten, time.perf_counter() - begin, loading, memory() / 2**30, left_out.text()),
        flush=True,
    )


def title(platform, version):
    version = ".".join(version.split("+")[0].split(".")[:2])
    name, _, further = platform.title.partition(",")
    threads = "%d thread%s" % (platform.threads, "s" if platform.threads > 1 else "")
    return ", ".join([name + " " + version] + ([further.strip()] if further else []) + [platform.precision, threads, processor()])


def check(chosen, folder, cache, each):
    """Answers of a few kernels of every type, against ONNX Runtime's."""
    counts, listed = collections.Counter(), []
    for network in networks.read(folder):
        counts[networks.kind(network)] += 1
        if counts[networks.kind(network)] <= each:
            listed.append(network)
    feeds = networks.Feeds(listed)
    answers = networks.answers(listed, feeds, cache)
    for platform in chosen:
        runtime = runtime_of(platform, cache)
        worst, fine = collections.defaultdict(float), True
        for network, answer in zip(listed, answers):
            if networks.kind(network) in platform.without:
                continue
            try:
                _, apart = loaded(runtime, network, feeds, answer)
                if not apart <= platforms.tolerance(platform, network):
                    print("  %s: %s: %.3g apart" % (platform.id, network.arch, apart))
                    fine = False
                worst[networks.kind(network)] = max(worst[networks.kind(network)], apart)
            except Exception as error:
                print("  %s: %s: %s %s" % (platform.id, network.arch, type(error).__name__, " ".join(str(error).split())[:300]))
        figures = " ".join("%s %.1e" % pair for pair in sorted(worst.items()))
        print("%s: %d of %d types, %s: %s" % (platform.id, len(worst), len(counts), "right" if fine else "WRONG", figures), flush=True)


def again(file, platform, folder, *rest):
    """A second, shorter run of a platform against what its file says."""
    first, second = file, file + ".again"
    profile(platform, folder, second, *rest)
    _, ones = results.read(first)
    _, others = results.read(second)
    os.remove(second)
    both = sorted(set(ones) & set(others))
    five, ten = results.shares([ones[name] for name in both], [others[name] for name in both])
    results.extend(first, {"again": len(both), "again_5": "%.3f" % five, "again_10": "%.3f" % ten})
    print("%s: %d measured again, %.1f / %.1f %%" % (first, len(both), 100 * five, 100 * ten), flush=True)


def environment_of(platform):
    """Every library that has threads of its own is told how many; the platform's own come on top."""
    count = str(platform.threads)
    fixed = {name: count for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return dict(os.environ, PYTHONUNBUFFERED="1", **fixed, **platform.environment)


def supervise(out):
    """Runs this program as it was called, and again without the network that ended it where one did. Its status."""
    crashes = Crashes(out)
    while True:
        status = subprocess.run([sys.executable] + sys.argv).returncode
        if status >= 0 or not crashes.note() or len(crashes.skipped()) > MOST_CRASHES:
            return status


def run_all(arguments, chosen):
    """One process each for what is missing."""
    os.makedirs(arguments.out, exist_ok=True)
    failed = []
    for platform in chosen:
        for what, folder, ending in (("--kernels", arguments.kernels, ".csv"), ("--networks", arguments.networks, ".networks.csv")):
            out = os.path.join(arguments.out, platform.id + ending)
            if folder is None or os.path.exists(out):
                continue
            command = [sys.executable, os.path.abspath(__file__), "--platform", platform.id, "--out", out, what, folder]
            for name in ("cores", "seconds", "rounds", "limit", "cache"):
                if getattr(arguments, name) is not None:
                    command += ["--" + name, str(getattr(arguments, name))]
            with open(os.path.splitext(out)[0] + ".log", "w", encoding="utf-8") as log:
                status = subprocess.run(command, stderr=log).returncode
            if status != 0:
                failed.append(out)
                print("%s: failed (%d), see its .log" % (out, status), flush=True)
    print("%d failed%s" % (len(failed), ": " + ", ".join(failed) if failed else ""))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="the platforms")
    what.add_argument("--platform", metavar="ID", help="measure this one")
    what.add_argument("--all", action="store_true", help="measure every platform whose file is missing in the folder --out")
    what.add_argument("--check", action="store_true", help="answers of every platform against ONNX Runtime's")
    what.add_argument("--prepare", action="store_true", help="convert the models ahead, for what takes long to convert")
    parser.add_argument("--kernels", metavar="DIR", help="folder of kernels and their manifest")
    parser.add_argument("--networks", metavar="DIR", help="folder of whole networks and their manifest")
    parser.add_argument("--out", help="CSV to write; a folder with --all")
    parser.add_argument("--again", metavar="FILE", help="with --platform: measure kernels once more and note in FILE how well they agree")
    parser.add_argument("--only", metavar="ID,ID", help="these of all")
    parser.add_argument("--threads", type=int, help="of all, those with so many threads")
    parser.add_argument("--cores", help="such as 1 or 0,1: where to run")
    parser.add_argument("--seconds", type=float, help="about how long, loading included; default %d for kernels, %d for networks" % (SECONDS_KERNELS, SECONDS_NETWORKS))
    parser.add_argument("--rounds", type=int, default=results.ROUNDS, help="default %(default)s; more where the machine is not quiet")
    parser.add_argument("--limit", type=int, help="the first so many")
    parser.add_argument("--each", type=int, default=3, help="with --check: kernels of every type")
    parser.add_argument("--cache", help="folder for converted models; default .profiler in that of the models")
    return parser.parse_args()


def chosen_of(arguments):
    chosen = platforms.ALL
    names = arguments.platform or arguments.only
    if names:
        unknown = [name for name in names.split(",") if name not in platforms.BY_ID]
        if unknown:
            raise SystemExit("no such platform: %s; --list names them" % ", ".join(unknown))
        chosen = [platforms.BY_ID[name] for name in names.split(",")]
    if arguments.threads:
        chosen = [platform for platform in chosen if platform.threads == arguments.threads]
    return chosen


def main():
    arguments = parse()
    chosen = chosen_of(arguments)
    if arguments.list:
        for platform in chosen:
            print("%-32s %s, %d thread(s) %s" % (platform.id, platform.title, platform.threads, dict(platform.settings, **platform.environment) or ""))
        return
    folder = arguments.kernels or arguments.networks
    if folder is None:
        raise SystemExit("--kernels or --networks expected")
    if arguments.cores:
        os.sched_setaffinity(0, {int(core) for core in arguments.cores.split(",")})
    cache = arguments.cache or os.path.join(folder, ".profiler")
    if arguments.all:
        run_all(arguments, chosen)
        return
    # Some of the environment is read when a library is loaded, so the process starts anew with it.
    if len(chosen) == 1 and os.environ.get("LATENCAST_PROFILED") != chosen[0].id:
        os.environ.update(environment_of(chosen[0]), LATENCAST_PROFILED=chosen[0].id)
        sys.exit(supervise(arguments.out or ""))
    if arguments.check:
        check_all(chosen, arguments, folder, cache)
    elif arguments.prepare:
        prepare(chosen, folder, cache)
    elif arguments.again:
        again(arguments.again, chosen[0], folder, cache, arguments.seconds or SECONDS_KERNELS, arguments.limit or 400, arguments.rounds)
    else:
        seconds = arguments.seconds or (SECONDS_KERNELS if arguments.kernels else SECONDS_NETWORKS)
        profile(chosen[0], folder, arguments.out, cache, seconds, arguments.limit, arguments.rounds, whole=not arguments.kernels)


def check_all(chosen, arguments, folder, cache):
    """A process each, as the environment and the library are each platform's own."""
    if len(chosen) == 1:
        check(chosen, folder, cache, arguments.each)
        return
    for platform in chosen:
        command = [sys.executable, os.path.abspath(__file__), "--check", "--only", platform.id, "--kernels", folder, "--each", str(arguments.each), "--cache", cache]
        if arguments.cores:
            command += ["--cores", arguments.cores]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
            print("%s: does not start" % platform.id, flush=True)


def prepare(chosen, folder, cache):
    """Answers and converted models, for whatever the platforms need."""
    listed = networks.read(folder)
    feeds = networks.Feeds(listed)
    networks.answers(listed, feeds, cache)
    for platform in chosen:
        begin, failed, runtime = time.perf_counter(), collections.Counter(), runtime_of(platform, cache)
        if type(runtime).prepare is base.Runtime.prepare:
            continue
        for network in listed:
            try:
                runtime.prepare(network, feeds(network))
            except Exception:  # whatever a converter throws; measuring says why
                failed[networks.kind(network)] += 1
        print("%s: %d converted in %.0f s; failed: %s" % (platform.id, len(listed) - sum(failed.values()), time.perf_counter() - begin, dict(failed)), flush=True)


if __name__ == "__main__":
    main()
    # Thousands of networks need not be taken down one by one, and some runtimes do not survive that.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
