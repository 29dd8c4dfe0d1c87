"""The latencast measurement protocol: rounds of visits, one to each network, until their latencies are known well enough.

Python 3.8 and later, standard library alone. A script for a runtime calls `main` with a function that makes a network ready to run;
a script of another kind keeps its readings in a file and has them summarised:

    python3 protocol.py summarise readings.csv measurements.csv

where readings.csv has lines `round,arch,latency_ms`.
"""

import argparse
import collections
import gc
import json
import math
import os
import platform
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))

Network = collections.namedtuple("Network", "arch file path input_name input_shape output_name output_shape bytes")

# A reading of this many ticks of the clock is right within a hundredth.
TICKS = 100

# Networks held ready take memory: their weights, and the runtime's own copy of them.
MOST_HELD = 1e9  # bytes of models


def read_manifest(folder=FOLDER):
    """The protocol's numbers and the networks of a kit."""
    path = os.path.join(folder, "manifest.json")
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    if manifest.get("format") != "latencast-kit" or manifest.get("version") != 1:
        raise SystemExit("%s: a kit of version 1 expected" % path)
    networks = [
        Network(
            one["arch"],
            one["file"],
            os.path.join(folder, one["file"]),
            one["input"]["name"],
            tuple(one["input"]["shape"]),
            one["output"]["name"],
            tuple(one["output"]["shape"]),
            one["bytes"],
        )
        for one in manifest["networks"]
    ]
    return manifest["protocol"], networks


# ---- what readings say; no clock and no runtime ----


def quantile(values, share):
    """By linear interpolation between neighbours; NaN of nothing. Values that are NaN do not count."""
    known = sorted(value for value in values if not math.isnan(value))
    if not known:
        return math.nan
    at = share * (len(known) - 1)
    below, above = known[math.floor(at)], known[math.ceil(at)]
    return below + (above - below) * (at - math.floor(at))


def visit_plan(run_ms, tick_ms, protocol):
    """How many runs make a reading of a network that takes about so long, and how many readings make a visit."""
    runs = max(1, math.ceil(TICKS * tick_ms / run_ms))
    readings = math.ceil(protocol["visit_ms"] / (runs * run_ms))
    return runs, min(max(readings, protocol["fewest_readings"]), protocol["most_readings"])


def visit_order(count, number):
    """The order in which a round visits the networks: another every round, so that none always follows the same."""
    steps = [step for step in range(1, count + 1) if math.gcd(step, count) == 1]
    step = steps[number * 7 % len(steps)]
    return [(i * step + number) % count for i in range(count)]


class Summary:
    """What finished rounds say, each a list of milliseconds by network (NaN where there is none).

    latency_ms, error (relative) and median_ms by network; drift (how much slower than the low rounds everything was) and counts
    (whether it does) by round.
    """

    def __init__(self, rounds, protocol):
        self._fit(rounds, protocol, True)
        alike = self.__dict__.copy()
        # A common drift is taken out only where that brings the readings together.
        spread = self._spread(rounds)
        self._fit(rounds, protocol, False)
        if spread <= self._spread(rounds):
            self.__dict__.update(alike)

    def _spread(self, rounds):
        """How far the readings of the middle network are from its latency on average, relative."""
        own = []
        for i, ms in enumerate(self.latency_ms):
            values = [r[i] / d for r, d in zip(rounds, self.drift) if not math.isnan(r[i])]
            own.append(sum(abs(value / ms - 1) for value in values) / len(values) if values else math.nan)
        return quantile(own, 0.5)

    def _fit(self, rounds, protocol, drifting):
        low, networks = protocol["low_quantile"], range(len(rounds[0]) if rounds else 0)
        self.drift, self.counts = [1.0] * len(rounds), [True] * len(rounds)

        def corrected(network):
            return [r[network] / d for r, d, c in zip(rounds, self.drift, self.counts) if c]

        self.latency_ms = [quantile(corrected(i), low) for i in networks]
        # Latencies given the rounds' drift, drift given the latencies, in turn.
        for _ in range(4 if drifting else 0):
            ratios = []
            for one in rounds:
                ratio = quantile([ms / usual for ms, usual in zip(one, self.latency_ms)], 0.5)
                ratios.append(1.0 if math.isnan(ratio) else ratio)
            usual = quantile(ratios, low)
            self.drift = [ratio / usual for ratio in ratios]
            self.counts = [drift <= protocol["throttled"] for drift in self.drift]
            # Where most are slow, that is how the machine is.
            if sum(self.counts) * 2 < len(rounds):
                self.counts = [True] * len(rounds)
            self.latency_ms = [quantile(corrected(i), low) for i in networks]
        values = [[ms for ms in corrected(i) if not math.isnan(ms)] for i in networks]
        self.median_ms = [quantile(ms, 0.5) for ms in values]
        self.error = [
            (median / ms - 1) / math.sqrt(len(all_ms)) if all_ms else math.nan
            for median, ms, all_ms in zip(self.median_ms, self.latency_ms, values)
        ]


def judge(rounds, seconds, protocol):
    """Whether these finished rounds, which took so long, are enough; and the error of all networks but the worst tenth."""
    summary = Summary(rounds, protocol)
    enough = sum(summary.counts) >= protocol["fewest_rounds"]
    error = quantile(summary.error, 0.9) if enough else math.inf
    spent = len(rounds) >= protocol["most_rounds"] or (len(rounds) > 0 and seconds >= protocol["seconds"])
    return error <= protocol["relative_error"] or spent, error


# ---- files ----


def write_atomically(path, text):
    partial = path + ".part"
    with open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def write_measurements(path, networks, rounds, protocol, settings):
    """The CSV that latencast reads."""
    summary = Summary(rounds, protocol)
    lines = ["# latencast kit, protocol %d, %d rounds" % (protocol["version"], len(rounds))]
    lines += ["# %s: %s" % pair for pair in settings.items()]
    lines.append("arch,latency_ms,relative_error,median_ms,rounds")
    for i, network in enumerate(networks):
        if math.isnan(summary.latency_ms[i]):
            continue
        counting = sum(c and not math.isnan(r[i]) for r, c in zip(rounds, summary.counts))
        figures = (summary.latency_ms[i], summary.error[i], summary.median_ms[i], counting)
        lines.append(network.arch + ",%.6g,%.3g,%.6g,%d" % figures)
    write_atomically(path, "\n".join(lines) + "\n")
    return summary


class Progress:
    """Finished rounds, kept in a file so that an interrupted run goes on where it was."""

    def __init__(self, path, settings, architectures, fresh=False):
        self.path, self.key = path, {"settings": settings, "architectures": architectures}
        self.rounds, self.seconds = [], 0.0
        if fresh or not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        if {"settings": found["settings"], "architectures": found["architectures"]} != self.key:
            raise SystemExit(
                "%s: measured with other settings (%s); --fresh begins anew, --out keeps both" % (path, found["settings"])
            )
        self.rounds, self.seconds = found["rounds"], found["seconds"]

    def add(self, one, seconds):
        self.rounds.append(one)
        self.seconds += seconds
        write_atomically(self.path, json.dumps(dict(self.key, rounds=self.rounds, seconds=self.seconds)))


# ---- measuring ----


def clock_tick():
    """The smallest step of the clock, in milliseconds."""
    tick = math.inf
    for _ in range(20):
        begin = now = time.perf_counter()
        while now == begin:
            now = time.perf_counter()
        tick = min(tick, now - begin)
    return 1e3 * tick


def timed(run, times):
    """Milliseconds a run."""
    begin = time.perf_counter()
    for _ in range(times):
        run()
    return 1e3 * (time.perf_counter() - begin) / times


def visit(run, tick_ms, protocol):
    """Milliseconds a run of a network that is ready."""
    for _ in range(protocol["warm_up_runs"]):
        run()
    runs, readings = visit_plan(max(timed(run, 1), tick_ms), tick_ms, protocol)
    return quantile([timed(run, runs) for _ in range(readings)], protocol["low_quantile"])


class Ready:
    """Networks made ready to run, the longest unused let go where they take too much memory."""

    def __init__(self, load):
        self.load, self.held = load, collections.OrderedDict()

    def __getitem__(self, network):
        if network.arch not in self.held:
            while self.held and sum(size for _, size in self.held.values()) + network.bytes > MOST_HELD:
                self.held.popitem(last=False)
            self.held[network.arch] = (self.load(network), network.bytes)
        self.held.move_to_end(network.arch)
        return self.held[network.arch][0]


def measure(networks, load, protocol, progress, after_round):
    """Rounds until there are enough. `load(network)` returns a function that runs it once."""
    tick_ms, ready = clock_tick(), Ready(load)
    while True:
        finished, _ = judge(progress.rounds, progress.seconds, protocol)
        if finished:
            return
        one, seconds = [math.nan] * len(networks), 0.0
        # A collection in the middle of a reading would be part of it.
        gc.disable()
        for i in visit_order(len(networks), len(progress.rounds)):
            run = ready[networks[i]]
            # Loading does not count.
            begin = time.perf_counter()
            one[i] = visit(run, tick_ms, protocol)
            seconds += time.perf_counter() - begin
        gc.enable()
        gc.collect()
        progress.add(one, seconds)
        after_round()


def options(runtime):
    """The options that every script has."""
    parser = argparse.ArgumentParser(description="Measures the networks of this kit by %s." % runtime)
    parser.add_argument("--threads", type=int, default=1, help="default 1")
    parser.add_argument("--seconds", type=float, help="begin no further round after so long")
    parser.add_argument("--error", type=float, help="relative error at which to stop, such as 0.02")
    parser.add_argument("--out", help="default measurements-RUNTIME.csv")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    return parser


def main(runtime, version, load, arguments, settings=None):
    """Measures every network and writes the CSV. `load(network)` returns a function that runs it once; `settings` are further
    ones that must be the same where a run is taken up again."""
    if arguments.threads < 1:
        raise SystemExit("--threads %d: at least 1 expected" % arguments.threads)
    protocol, networks = read_manifest()
    if arguments.seconds is not None:
        protocol["seconds"] = arguments.seconds
    if arguments.error is not None:
        protocol["relative_error"] = arguments.error
    out = arguments.out or os.path.join(FOLDER, "measurements-%s.csv" % runtime)
    used = {"runtime": "%s %s" % (runtime, version), "threads": arguments.threads}
    used.update(settings or {})
    used["machine"] = "%s, %s" % (platform.machine(), platform.system())
    kept = os.path.splitext(out)[0] + ".rounds.json"
    progress = Progress(kept, used, [network.arch for network in networks], arguments.fresh)
    if progress.rounds:
        print("going on after round %d (%s)" % (len(progress.rounds), kept), file=sys.stderr)

    def after_round():
        _, error = judge(progress.rounds, progress.seconds, protocol)
        write_measurements(out, networks, progress.rounds, protocol, used)
        known = "" if math.isinf(error) else ", error %.1f %%" % (100 * error)
        print("round %d, %.0f s%s" % (len(progress.rounds), progress.seconds, known), file=sys.stderr)

    measure(networks, load, protocol, progress, after_round)
    summary = write_measurements(out, networks, progress.rounds, protocol, used)
    left_out = summary.counts.count(False)
    print("%s: %d networks, %d rounds, %d of them slowed down and left out" % (out, len(networks), len(summary.counts), left_out))


def summarise(readings, out):
    """Readings of a script that drives a runtime's own tool."""
    protocol, networks = read_manifest(os.path.dirname(os.path.abspath(readings)))
    places = {network.arch: i for i, network in enumerate(networks)}
    rounds = collections.defaultdict(lambda: [math.nan] * len(networks))
    settings = {}
    with open(readings, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#"):
                name, _, value = line[1:].partition(":")
                settings[name.strip()] = value.strip()
                continue
            fields = line.strip().split(",")
            if fields[0] == "round" or fields == [""]:
                continue
            try:
                rounds[int(fields[0])][places[fields[1]]] = float(fields[2])
            except (IndexError, KeyError, ValueError):
                raise SystemExit("%s, line %d: %r; round,arch,latency_ms expected" % (readings, number, line.strip()))
    write_measurements(out, networks, [rounds[number] for number in sorted(rounds)], protocol, settings)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "summarise":
        raise SystemExit(__doc__)
    summarise(sys.argv[2], sys.argv[3])
