"""The measurement protocol of a kit, run on an invented machine with a clock of its own. Started by kit.test.ts."""

import contextlib
import io
import json
import math
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../web/kit/scripts"))
import protocol

# Not first: it has a profile.py, as the standard library has.
sys.path.append(os.path.join(HERE, "../../weights/profiler"))
import inside
import results

NUMBERS = {
    **{"version": 1, "low_quantile": 0.1, "warm_up_runs": 1, "visit_ms": 40, "fewest_readings": 3, "most_readings": 50},
    **{"fewest_rounds": 5, "most_rounds": 40, "relative_error": 0.02, "seconds": 300, "throttled": 1.25},
}


class Machine:
    """Its clock moves only when networks run: by their time, slowed by a drift and by interruptions."""

    def __init__(self, latency_ms, seed=0, drift=lambda now: 1.0, tick=0.0):
        self.now, self.runs, self.latency_ms, self.tick = 0.0, 0, latency_ms, tick
        self.random, self.drift = random.Random(seed), drift

    def perf_counter(self):
        # Asking takes a while as well, else a loop that waits for a tick never ends.
        self.now += 1e-8
        return math.floor(self.now / self.tick) * self.tick if self.tick else self.now

    def load(self, network):
        def run():
            self.runs += 1
            slowed = 1 + self.random.expovariate(100) + (3 if self.random.random() < 0.02 else 0)
            self.now += 1e-3 * self.latency_ms[network.arch] * slowed * self.drift(self.now)

        return run


@contextlib.contextmanager
def kit(latency_ms, machine, numbers=NUMBERS):
    """A folder with a manifest, and the protocol's module looking there and at the machine's clock."""
    with tempfile.TemporaryDirectory() as folder:
        tensor = {"name": "x", "shape": [1]}
        networks = [{"arch": arch, "file": arch + ".onnx", "input": tensor, "output": tensor, "bytes": 1} for arch in latency_ms]
        manifest = {"format": "latencast-kit", "version": 1, "protocol": numbers, "networks": networks}
        with open(os.path.join(folder, "manifest.json"), "w") as file:
            json.dump(manifest, file)
        kept = protocol.read_manifest.__defaults__, protocol.FOLDER, protocol.time
        protocol.read_manifest.__defaults__, protocol.FOLDER, protocol.time = (folder,), folder, machine
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                yield folder
        finally:
            protocol.read_manifest.__defaults__, protocol.FOLDER, protocol.time = kept


def measure(machine, *arguments, settings=None):
    protocol.main("fake", "1", machine.load, protocol.options("fake").parse_args(list(arguments)), settings)


def measured(folder, name="measurements-fake.csv"):
    with open(os.path.join(folder, name)) as file:
        lines = [line.strip() for line in file if not line.startswith("#")]
    names = lines[0].split(",")
    return {row[0]: dict(zip(names[1:], map(float, row[1:]))) for row in (line.split(",") for line in lines[1:])}


def rounds(folder):
    with open(os.path.join(folder, "measurements-fake.rounds.json")) as file:
        return json.load(file)["rounds"]


LATENCIES = {"a%d" % i: 0.5 * 1.4**i for i in range(12)}


class Protocol(unittest.TestCase):
    def ratios(self, found):
        ratios = [found[arch]["latency_ms"] / ms for arch, ms in LATENCIES.items()]
        middle = sorted(ratios)[len(ratios) // 2]
        return [ratio / middle for ratio in ratios]

    def test_recovers_latencies_from_noise_and_drift(self):
        # Slower by a half, and up and down by a tenth.
        machine = Machine(LATENCIES, drift=lambda now: 1.5 + 0.1 * math.sin(now))
        with kit(LATENCIES, machine) as folder:
            measure(machine)
            found = measured(folder)
            self.assertEqual(sorted(found), sorted(LATENCIES))
            for ratio in self.ratios(found):
                self.assertAlmostEqual(ratio, 1, delta=0.02)
            self.assertTrue(all(0 <= one["relative_error"] < 0.05 for one in found.values()))

    def test_throttled_rounds_do_not_count(self):
        machine = Machine(LATENCIES, drift=lambda now: 2.0 if 4 < now < 7 else 1.0)
        with kit(LATENCIES, machine, {**NUMBERS, "fewest_rounds": 15}) as folder:
            measure(machine)
            self.assertLess(measured(folder)["a0"]["rounds"], len(rounds(folder)))
            for ratio in self.ratios(measured(folder)):
                self.assertAlmostEqual(ratio, 1, delta=0.02)

    def test_a_coarse_clock_makes_longer_readings(self):
        machine = Machine({"a": 0.01, "b": 0.02}, tick=1e-4)
        with kit(machine.latency_ms, machine) as folder:
            measure(machine)
            found = measured(folder)
            self.assertAlmostEqual(found["b"]["latency_ms"] / found["a"]["latency_ms"], 2, delta=0.06)

    def test_stops_when_time_is_up(self):
        machine = Machine(LATENCIES)
        with kit(LATENCIES, machine) as folder:
            measure(machine, "--seconds", "0.5", "--error", "1e-9")
            self.assertEqual(len(rounds(folder)), 1)

    def test_stops_after_the_most_rounds(self):
        machine = Machine(LATENCIES)
        with kit(LATENCIES, machine, {**NUMBERS, "most_rounds": 7}) as folder:
            measure(machine, "--error", "1e-9")
            self.assertEqual(len(rounds(folder)), 7)

    def test_goes_on_where_it_was(self):
        machine = Machine(LATENCIES)
        with kit(LATENCIES, machine) as folder:
            stop = machine.runs

            def load(network):
                run = machine.load(network)

                def interrupted():
                    if machine.runs > 1500:
                        raise KeyboardInterrupt
                    run()

                return interrupted

            with self.assertRaises(KeyboardInterrupt):
                protocol.main("fake", "1", load, protocol.options("fake").parse_args(["--error", "1e-9"]))
            before = rounds(folder)
            self.assertGreater(len(before), 0)
            measure(machine)
            self.assertEqual(rounds(folder)[: len(before)], before)
            done = machine.runs
            measure(machine)
            self.assertEqual(machine.runs, done, "nothing is measured twice")
            self.assertGreater(done, stop)
            with self.assertRaisesRegex(SystemExit, "other settings"):
                measure(machine, "--threads", "2")
            measure(machine, "--threads", "2", "--fresh")
            self.assertGreater(machine.runs, done)

    def test_other_threads_or_settings_are_not_mixed(self):
        machine = Machine({"a": 5.0})
        with kit(machine.latency_ms, machine):
            measure(machine, settings={"device": "GPU"})
            with self.assertRaisesRegex(SystemExit, "other settings"):
                measure(machine, settings={"device": "CPU"})
            with self.assertRaisesRegex(SystemExit, "--threads 0"):
                measure(machine, "--threads", "0")

    def test_every_round_visits_every_network_once_in_another_order(self):
        for count in range(1, 40):
            orders = [protocol.visit_order(count, number) for number in range(6)]
            for order in orders:
                self.assertEqual(sorted(order), list(range(count)))
            if count > 2:
                self.assertGreater(len(set(map(tuple, orders))), 1)

    def test_networks_are_let_go_where_memory_is_short(self):
        loaded = []
        ready = protocol.Ready(lambda network: loaded.append(network.arch) or network.arch)
        networks = [protocol.Network(arch, "", "", "", (), "", (), 0.4 * protocol.MOST_HELD) for arch in "abc"]
        for i in (0, 1, 0, 2, 0, 1):
            self.assertEqual(ready[networks[i]], networks[i].arch)
        self.assertEqual("".join(loaded), "abcb")

    def test_summarises_readings_of_a_tool(self):
        machine = Machine(LATENCIES)
        with kit({"a": 1, "b": 1}, machine) as folder:
            path = os.path.join(folder, "readings.csv")
            with open(path, "w") as file:
                file.write("# runtime: tool\nround,arch,latency_ms\n1,a,2.0\n1,b,4.0\n2,a,2.2\n2,b,4.4\n3,a,2.0\n")
            protocol.summarise(path, os.path.join(folder, "out.csv"))
            found = measured(folder, "out.csv")
            self.assertAlmostEqual(found["b"]["latency_ms"] / found["a"]["latency_ms"], 2, delta=0.01)
            self.assertEqual((found["a"]["rounds"], found["b"]["rounds"]), (3, 2))
            with open(path, "a") as file:
                file.write("3,c,1\n")
            with self.assertRaisesRegex(SystemExit, "line 8: '3,c,1'"):
                protocol.summarise(path, os.path.join(folder, "out.csv"))

    def test_the_profiler_takes_as_many_as_time_allows(self):
        one = 0.01 + results.ROUNDS * 1e-3 * (4 + 4)  # loading; a run that finds its way and one that counts
        budget, taken = results.Budget(50.5 * one), 0
        while not budget.spent():
            budget.add(0.01, 4.0)
            taken += 1
        self.assertEqual(taken, 51)
        # Quick networks are run for a while, those that do not run cost their loading.
        self.assertAlmostEqual(results.visit_seconds(0.01), 1e-3 * (0.01 + results.PROTOCOL["visit_ms"]))
        budget = results.Budget(1)
        budget.add(0.99, None)
        self.assertFalse(budget.spent())
        budget.add(0.02, None)
        self.assertTrue(budget.spent())

    def test_the_profilers_retest_compares_its_halves(self):
        names = range(20)
        alike = [[1.0 + i for i in names] for _ in range(8)]
        self.assertEqual(results.retest(list(names), alike, {}), [1, 1])
        # A tenth of them is 7 % slower in the odd rounds, another 20 %.
        slower = [1 + (0.07 if i < 2 else 0.2 if i < 4 else 0) for i in names]
        halves = [[ms * (s if number % 2 else 1) for ms, s in zip(one, slower)] for number, one in enumerate(alike)]
        self.assertEqual(results.retest(list(names), halves, {}), [0.8, 0.9])
        self.assertEqual(results.shares([1, 2, math.nan], [1.04, 2.3, 1]), [0.5, 0.5])

    def test_the_profilers_files_are_read_as_they_were_written(self):
        names = ["conv,1,7,7,8,8,3,3,1,1", 'a "b"', "never"]
        rounds = [[0.5, 2.0, math.nan] for _ in range(8)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out.csv")
            protocol.write_atomically(path, results.table(names, rounds, {}, {"id": "x", "settings": '{"a": "b: c"}'}))
            results.extend(path, {"again_5": "0.9"})
            about, latency_ms = results.read(path)
        self.assertEqual(about, {"id": "x", "settings": '{"a": "b: c"}', "again_5": "0.9"})
        self.assertEqual(latency_ms, {names[0]: 0.5, names[1]: 2.0})

    def test_kernels_inside_a_network_are_what_their_surroundings_leave(self):
        # The call takes 1; pointwise convolutions to so many channels and back take 2 and 6; the kernels themselves 5, 0 and 3.
        near, far = "reference,1,4,4,2,2,,,,", "reference,1,2,2,9,9,,,,"
        measured = {
            inside.CALL: 1.0,
            near: 1 + 2.0,
            far: 1 + 6.0,
            "in conv,1,4,4,2,9,3,3,2,1": 1 + 1 + 5 + 3.0,
            "in add,1,4,4,2,2,,,,": 1 + 2 * 1 + 0 + 1.0,
            "fc,1,1,1,8,8,,,,": 1 + 3.0,
            "in conv,1,8,8,2,7,3,3,2,1": 9.0,
        }
        references = {
            "in conv,1,4,4,2,9,3,3,2,1": [near, far],
            "in add,1,4,4,2,2,,,,": [near, near, near],
            "in conv,1,8,8,2,7,3,3,2,1": ["reference,1,8,8,2,2,,,,", near],
        }
        found, error = inside.latencies(measured, dict.fromkeys(measured, 0.01), references)
        # Whose reference was not measured is not known; what is fused with its surroundings still takes a little.
        self.assertEqual(found, {"conv,1,4,4,2,9,3,3,2,1": 5, "add,1,4,4,2,2,,,,": 4 * inside.LEAST, "fc,1,1,1,8,8,,,,": 3})
        self.assertAlmostEqual(error["conv,1,4,4,2,9,3,3,2,1"], 0.01 * math.hypot(10, 1.5, 3.5) / 5)
        self.assertTrue(inside.has(measured))
        self.assertFalse(inside.has(found))
        # Rounds alike agree with themselves, also on differences.
        rounds = [list(measured.values()) for _ in range(4)]
        self.assertEqual(results.retest(list(measured), rounds, references), [1, 1])
        self.assertEqual(results.latencies(list(measured), rounds, references)[0], found)


if __name__ == "__main__":
    unittest.main()
