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

import inside  # noqa: E402
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
    """Such as: AMD EPYC (Zen 5), Intel Xeon (AMX)."""
    about = {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            about.setdefault(name.strip(), value.strip())
    generation = {"23": "Zen or Zen 2", "25": "Zen 3 or 4", "26": "Zen 5"}.get(about.get("cpu family"))
    name = about.get("model name", machine.machine())
    if about.get("vendor_id") == "GenuineIntel":
        name = " ".join(name.replace("(R)", "").replace("Processor", "").split())
        return name + " (AMX)" if "amx_tile" in about.get("flags", "").split() else name
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


def measure(runtime, ready, rounds):
    """Readings by round and network, in ms. `ready`: functions that run a network, and the protocol of its visits."""
    tick_ms, readings = protocol.clock_tick(), []
    for number in range(rounds):
        one = [math.nan] * len(ready)
        # A collection in the middle of a reading would be part of it.
        gc.disable()
        for i in protocol.visit_order(len(ready), number):
            one[i] = runtime.visit(ready[i][0], tick_ms, ready[i][1])
        gc.enable()
        gc.collect()
        readings.append(one)
    return readings


class Part:
    """Kernels, or whole networks, that are measured in the same rounds as others are, and the file that is written of them."""

    def __init__(self, platform, runtime, folder, out, cache, seconds, limit, rounds, whole):
        self.out, self.whole = out, whole
        # Files are called the same in every folder, so what they are converted to is kept with them.
        runtime.cache = cache = cache or os.path.join(folder, ".profiler")
        self.listed = networks.read(folder)[:limit]
        feeds = networks.Feeds(self.listed)
        answers = networks.answers(self.listed, feeds, cache)
        crashes = Crashes(out)
        os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
        budget = results.Budget(seconds or (SECONDS_NETWORKS if whole else SECONDS_KERNELS), rounds)
        self.ready, self.tried, self.left_out = load_all(platform, runtime, self.listed, feeds, answers, budget, crashes)
        if not self.ready:
            raise SystemExit("%s: runs none of them; %s" % (platform.id, "; ".join(self.left_out.why.values())))
        crashes.finish()

    def visits(self):
        return [(run, results.PROTOCOL_NETWORKS if self.whole else results.PROTOCOL) for _, run in self.ready]

    def write(self, platform, version, rounds):
        names = [self.listed[i].arch for i, _ in self.ready]
        references = {network.arch: network.references for network in self.listed}
        five, ten = results.retest(names, rounds, references)
        about = {
            "id": platform.id,
            "title": title(platform, version),
            "runtime": platform.runtime,
            "version": version,
            "precision": platform.precision,
            "threads": platform.threads,
            "settings": json.dumps(dict(platform.settings, **platform.environment), sort_keys=True),
            "rounds": len(rounds),
            "kernels": "inside" if inside.has(names) else "alone",
            "retest_5": "%.3f" % five,
            "retest_10": "%.3f" % ten,
            "tried": "%d of %d" % (self.tried, len(self.listed)),
            "left_out": self.left_out.text(),
        }
        protocol.write_atomically(self.out, results.table(names, rounds, references, about))
        for why in self.left_out.why.values():
            print("  left out: %s" % why, file=sys.stderr)
        print(
            "%s: %d of %d, %d rounds, retest %.1f / %.1f %%; left out: %s"
            % (self.out, len(self.ready), len(self.listed), len(rounds), 100 * five, 100 * ten, self.left_out.text()),
            flush=True,
        )


def profile(platform, folders, cache, seconds, limit, rounds):
    """Measures one platform and writes its files. `folders`: of kernels or of whole networks, the file to write, and whether they are
    whole, which are few, and visited for longer. What is measured together is comparable: the machine was the same."""
    begin = time.perf_counter()
    runtime = runtime_of(platform, cache or os.path.join(folders[0][0], ".profiler"))
    parts = [Part(platform, runtime, folder, out, cache, seconds, limit, rounds, whole) for folder, out, whole in folders]
    loading = time.perf_counter() - begin
    readings = measure(runtime, [visit for part in parts for visit in part.visits()], rounds)
    place = 0
    for part in parts:
        part.write(platform, runtime.version, [one[place : place + len(part.ready)] for one in readings])
        place += len(part.ready)
    print("%s: %.0f s (%.0f s loading), %.1f GiB" % (platform.id, time.perf_counter() - begin, loading, memory() / 2**30), flush=True)


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
    profile(platform, [(folder, second, False)], *rest)
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


def networks_file(out):
    """Where the networks' latencies go whose kernels' go to `out`."""
    return os.path.splitext(out)[0] + ".networks.csv"


def run_all(arguments, chosen):
    """One process each for what is missing."""
    os.makedirs(arguments.out, exist_ok=True)
    failed = []
    for platform in chosen:
        out = os.path.join(arguments.out, platform.id + ".csv")
        if os.path.exists(out if arguments.kernels else networks_file(out)):
            continue
        command = [sys.executable, os.path.abspath(__file__), "--platform", platform.id, "--out", out]
        for name in ("kernels", "networks", "cores", "seconds", "rounds", "limit", "cache"):
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
    parser.add_argument("--out", help="CSV to write, networks' beside it with the ending .networks.csv; a folder with --all")
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
        again(arguments.again, chosen[0], folder, arguments.cache, arguments.seconds, arguments.limit or 400, arguments.rounds)
    else:
        folders = [(arguments.kernels, arguments.out, False)] if arguments.kernels else []
        if arguments.networks:
            folders.append((arguments.networks, networks_file(arguments.out), True))
        profile(chosen[0], folders, arguments.cache, arguments.seconds, arguments.limit, arguments.rounds)


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
