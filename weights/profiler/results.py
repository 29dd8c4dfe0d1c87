"""What the readings of a platform say, and its files. No clock and no runtime."""

import csv
import io
import math

import inside
from protocol import Summary, write_atomically

# A visit to a network is one run that finds its way back into the caches, and some that count.
PROTOCOL = {
    "version": 1,
    "low_quantile": 0.1,
    "warm_up_runs": 0,
    "visit_ms": 1.5,
    "fewest_readings": 1,
    "most_readings": 50,
    "throttled": 1.25,
}
# Networks are few, and long enough to be disturbed.
PROTOCOL_NETWORKS = dict(PROTOCOL, visit_ms=8, fewest_readings=2)
ROUNDS = 8


def visit_seconds(run_ms):
    """What a visit to a network takes about."""
    return 1e-3 * (run_ms + max(run_ms, PROTOCOL["visit_ms"]))


class Budget:
    """How many of the networks, in their order, can be measured in so many seconds: each costs its loading and its visits."""

    def __init__(self, seconds, rounds=ROUNDS):
        self.seconds, self.rounds, self.planned = seconds, rounds, 0.0

    def add(self, loading_seconds, run_ms):
        """A network more; `run_ms` is None where it does not run."""
        self.planned += loading_seconds + (0 if run_ms is None else self.rounds * visit_seconds(run_ms))

    def spent(self):
        return self.planned >= self.seconds


def shares(ones, others):
    """Which share of the latencies agree within 5 % and within 10 %; those known on both sides count."""
    apart = [abs(a / b - 1) for a, b in zip(ones, others) if not (math.isnan(a) or math.isnan(b))]
    return [sum(one <= most for one in apart) / len(apart) if apart else math.nan for most in (0.05, 0.1)]


def latencies(names, rounds, references):
    """Milliseconds and relative error, each by name. Of kernels inside networks (inside.py) those of the kernels."""
    summary = Summary(rounds, PROTOCOL)
    known = [i for i, ms in enumerate(summary.latency_ms) if not math.isnan(ms)]
    latency_ms, error = ({names[i]: values[i] for i in known} for values in (summary.latency_ms, summary.error))
    return inside.latencies(latency_ms, error, references) if inside.has(names) else (latency_ms, error)


def retest(names, rounds, references):
    """What the even rounds alone say against what the odd ones say."""
    (ones, _), (others, _) = (latencies(names, half, references) for half in (rounds[0::2], rounds[1::2]))
    both = [name for name in ones if name in others]
    return shares([ones[name] for name in both], [others[name] for name in both])


def table(names, rounds, references, about):
    """The CSV of a platform. `about`: what stands in its head."""
    latency_ms, error = latencies(names, rounds, references)
    text = io.StringIO()
    for name, value in about.items():
        text.write("# %s: %s\n" % (name, value))
    text.write("arch,latency_ms,relative_error\n")
    writer = csv.writer(text, lineterminator="\n")
    for name, ms in latency_ms.items():
        text.write('"%s",' % name.replace('"', '""'))
        writer.writerow(("%.6g" % ms, "%.3g" % error[name]))
    return text.getvalue()


def read(path):
    """Head and latencies (ms by name) of such a file."""
    about, latency_ms = {}, {}
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        if line.startswith("#"):
            name, _, value = line[1:].partition(":")
            about[name.strip()] = value.strip()
    for fields in csv.reader(line for line in lines if not line.startswith("#")):
        if fields[0] != "arch":
            latency_ms[fields[0]] = float(fields[1])
    return about, latency_ms


def extend(path, more):
    """Further lines into the head of such a file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head = "".join("# %s: %s\n" % pair for pair in more.items())
    write_atomically(path, text.replace("arch,latency_ms", head + "arch,latency_ms", 1))
