"""Brings the files of profile.py together, as they are kept: python3 gather.py --kernels LIST.csv --from FOLDER --into weights/measured/MACHINE

kernels.csv: the list, and a column of milliseconds for each platform; networks.csv: the same of whole networks; platforms.csv: what the
platforms are, and what share of kernels two halves of the rounds agree on. Platforms of several folders come together, the later one's
readings of a kernel in place of the earlier one's.
"""

import argparse
import csv
import os

# Whose fusions a runtime's networks are taken apart by, where they are not the runtime's own.
FAMILY = {"onnxruntime": "onnxruntime", "onnxruntime-web": "onnxruntime", "openvino": "openvino", "ncnn": "ncnn"}
OTHERS = "tflite"
ALONE = "alone"  # how kernels were timed where a file does not say
FIELDS = ["id", "title", "runtime", "version", "precision", "threads", "rounds", "kernels", "retest_5", "retest_10"]


def read(path):
    """What its comments say, and {name: milliseconds}."""
    facts, readings = {}, {}
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    for line in lines:
        if line.startswith("#"):
            name, _, value = line[1:].partition(":")
            facts[name.strip()] = value.strip()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        readings[row["arch"]] = float(row["latency_ms"])
    return facts, readings


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def short(value):
    return "" if value is None else "%.4g" % value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", required=True, help="the list that was measured")
    parser.add_argument("--from", dest="folders", nargs="+", required=True, help="folders that profile.py wrote")
    parser.add_argument("--into", required=True)
    arguments = parser.parse_args()
    facts, kernels, networks = {}, {}, {}
    for folder in arguments.folders:
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".csv"):
                continue
            found, readings = read(os.path.join(folder, name))
            whole = name.endswith(".networks.csv")
            (networks if whole else kernels).setdefault(found["id"], {}).update(readings)
            if not whole:
                facts.setdefault(found["id"], found)
    ids = sorted(kernels)
    os.makedirs(arguments.into, exist_ok=True)
    with open(arguments.kernels, encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    columns = len(header) - 1  # all but the origin are the kernel's name
    write(
        os.path.join(arguments.into, "kernels.csv"),
        header + ids,
        [row + [short(kernels[one].get(",".join(row[:columns]))) for one in ids] for row in rows],
    )
    names = sorted({name for readings in networks.values() for name in readings}, key=lambda name: (name.split("-")[0], int(name.split("-")[1])))
    write(
        os.path.join(arguments.into, "networks.csv"),
        ["network"] + ids,
        [[name] + [short(networks.get(one, {}).get(name)) for one in ids] for name in names],
    )
    write(
        os.path.join(arguments.into, "platforms.csv"),
        FIELDS + ["family"],
        [[facts[one].get(field, ALONE) for field in FIELDS] + [FAMILY.get(facts[one]["runtime"], OTHERS)] for one in ids],
    )
    print("%s: %d platforms, %d kernels, %d networks" % (arguments.into, len(ids), len(rows), len(names)))


if __name__ == "__main__":
    main()
