#!/usr/bin/env bash
# Writes the golden files: what the native engine of this checkout says with the shipped weights. Run it from the
# repository root after the weights changed; the tests hold every build, native and WebAssembly, to these numbers.
set -euo pipefail
engine=build/latencast
here=tests/golden
cells=$(seq 7 78 15600) # 200 official indices
adapted=$(mktemp -d)
trap 'rm -r "$adapted"' EXIT
"$engine" predict --weights weights/nb201 --device pixel3 $cells >"$here/scores.csv"
"$engine" transfer --weights weights/nb201 --method finetune --measurements "$here/raspi4-20.csv" --seed 3 --out "$adapted/golden"
"$engine" predict --weights "$adapted/golden" $cells >"$here/latency_ms.csv"
"$engine" transfer --weights weights/nb201 --measurements "$here/raspi4-20.csv" --out "$adapted/closed-form"
"$engine" predict --weights "$adapted/closed-form" $cells >"$adapted/intervals.csv"
cut -d, -f1,2 "$adapted/intervals.csv" >"$here/closed_form.csv"
cut -d, -f1,4 "$adapted/intervals.csv" >"$here/closed_form_high.csv"
