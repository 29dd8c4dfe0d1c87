#!/bin/sh
# Measures the networks of this kit on an Android device by LiteRT's own benchmark_model, over adb.
# UNTESTED: it follows https://ai.google.dev/edge/litert/models/measurement
#
#   sh run_android.sh --binary android_aarch64_benchmark_model [--threads 1] [--rounds 10] [--gpu | --nnapi] [--taskset f0]
#
# Needs tflite/*.tflite (python3 to_tflite.py). Every round visits every network; what counts of a visit is the least of at least 10
# runs. Readings go to readings-android.csv as they come; started again, it goes on where it was.
set -eu
cd "$(dirname "$0")"

binary='' threads=1 rounds=10 delegate='' where=cpu mask=''
while [ $# -gt 0 ]; do
  case $1 in
    --binary) binary=$2; shift ;;
    --threads) threads=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --gpu) delegate=--use_gpu=true where=gpu ;;
    --nnapi) delegate=--use_nnapi=true where=nnapi ;;
    --taskset) mask=$2; shift ;;
    *) echo "run_android.sh: $1 found; --binary, --threads, --rounds, --gpu, --nnapi or --taskset expected" >&2; exit 2 ;;
  esac
  shift
done
[ -n "$binary" ] || { echo "run_android.sh: --binary is missing; it is the benchmark_model program for the device" >&2; exit 2; }
[ -e "$binary" ] || { echo "run_android.sh: $binary not found" >&2; exit 1; }
command -v adb >/dev/null || { echo "run_android.sh: adb not found; it is part of the Android SDK platform tools" >&2; exit 1; }
ls tflite/*.tflite >/dev/null 2>&1 || { echo "run_android.sh: no tflite/*.tflite; run python3 to_tflite.py first" >&2; exit 1; }

name=android-$where-$threads
readings=readings-$name.csv
folder=/data/local/tmp/latencast
device=$(adb shell getprop ro.product.model </dev/null | tr -d '\r')
[ -e "$readings" ] || printf '# runtime: LiteRT benchmark_model\n# device: %s\n# threads: %s\n# on: %s\nround,arch,latency_ms\n' \
  "$device" "$threads" "$where" >"$readings"

adb shell mkdir -p $folder </dev/null
adb push "$binary" $folder/benchmark_model >/dev/null
adb shell chmod +x $folder/benchmark_model </dev/null
for model in tflite/*.tflite; do adb push "$model" $folder/ >/dev/null; done

round=1
while [ "$round" -le "$rounds" ]; do
  # Forth and back, so that no network always follows the same.
  order=$([ $((round % 2)) -eq 1 ] && ls tflite || ls -r tflite)
  for model in $order; do
    arch=${model%.tflite}
    arch=${arch#*-}
    grep -q "^$round,$arch," "$readings" && continue
    log=$(adb shell "${mask:+taskset $mask }$folder/benchmark_model --graph=$folder/$model --num_threads=$threads --warmup_runs=2 \
      --warmup_min_secs=0 --num_runs=10 --min_secs=0.04 $delegate" </dev/null 2>&1 | tr -d '\r')
    # Of the last such line, the one after warming up: count=74 first=14850 curr=13315 min=13105 max=15765 avg=13520.2 std=470
    micros=$(printf '%s\n' "$log" | sed -n 's/.*count=.* min=\([0-9.e+]*\).*/\1/p' | tail -n 1)
    [ -n "$micros" ] || { printf 'run_android.sh: %s gave no timings:\n%s\n' "$model" "$log" >&2; exit 1; }
    echo "$round,$arch,$(awk "BEGIN { printf \"%.6g\", $micros / 1000 }")" >>"$readings"
  done
  echo "round $round of $rounds" >&2
  round=$((round + 1))
done
adb shell rm -r $folder </dev/null

if command -v python3 >/dev/null; then
  python3 protocol.py summarise "$readings" "measurements-$name.csv"
  echo "measurements-$name.csv"
else
  echo "$readings (without python3 the rounds are not summarised; the page reads them as they are)"
fi
