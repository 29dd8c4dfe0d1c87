#!/bin/sh
# Measures the networks of this kit by TensorRT's trtexec.
# UNTESTED: it follows https://docs.nvidia.com/deeplearning/tensorrt/latest/reference/command-line-programs.html
#
#   sh run_tensorrt.sh [--rounds 10] [--fp16] [--trtexec PROGRAM]
#
# Every round visits every network; what counts of a visit is trtexec's median latency, transfers of input and output included.
# Readings go to readings-tensorrt.csv as they come; started again, it goes on where it was.
set -eu
cd "$(dirname "$0")"

rounds=10 precision='' program=trtexec
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --fp16) precision=--fp16 ;;
    --trtexec) program=$2; shift ;;
    *) echo "run_tensorrt.sh: $1 found; --rounds N, --fp16 or --trtexec PROGRAM expected" >&2; exit 2 ;;
  esac
  shift
done
command -v "$program" >/dev/null || { echo "run_tensorrt.sh: $program not found; it comes with TensorRT" >&2; exit 1; }

name=tensorrt${precision:+-fp16}
readings=readings-$name.csv
engines=engines-$name
mkdir -p "$engines"
[ -e "$readings" ] || printf '# runtime: %s\nround,arch,latency_ms\n' "$name" >"$readings"

for model in *.onnx; do
  engine=$engines/${model%.onnx}.engine
  [ -e "$engine" ] && continue
  echo "building $engine" >&2
  # shellcheck disable=SC2086 -- nothing or one word
  if ! "$program" --onnx="$model" --saveEngine="$engine.part" $precision --skipInference >"$engine.log" 2>&1; then
    echo "run_tensorrt.sh: $program could not build $model; see $engine.log" >&2
    exit 1
  fi
  mv "$engine.part" "$engine"
done

round=1
while [ "$round" -le "$rounds" ]; do
  # Forth and back, so that no network always follows the same.
  order=$([ $((round % 2)) -eq 1 ] && ls -- *.onnx || ls -r -- *.onnx)
  for model in $order; do
    arch=${model%.onnx}
    arch=${arch#*-}
    grep -q "^$round,$arch," "$readings" && continue
    log=$engines/visit.log
    "$program" --loadEngine="$engines/${model%.onnx}.engine" --warmUp=200 --duration=1 --iterations=10 --useSpinWait \
      >"$log" 2>&1 || { echo "run_tensorrt.sh: $program could not run $model; see $log" >&2; exit 1; }
    # [I] Latency: min = 0.170 ms, max = 0.243 ms, mean = 0.184 ms, median = 0.180 ms, percentile(99%) = 0.197 ms
    latency=$(sed -n 's/.*\] Latency: .*median = \([0-9.e+-]*\) ms.*/\1/p' "$log")
    [ -n "$latency" ] || { echo "run_tensorrt.sh: no latency in $log" >&2; exit 1; }
    echo "$round,$arch,$latency" >>"$readings"
  done
  echo "round $round of $rounds" >&2
  round=$((round + 1))
done

if command -v python3 >/dev/null; then
  python3 protocol.py summarise "$readings" "measurements-$name.csv"
  echo "measurements-$name.csv"
else
  echo "$readings (without python3 the rounds are not summarised; the page reads them as they are)"
fi
