#include "tasks.h"

namespace latencast {

const std::vector<Task>& all_tasks() {
  static const std::vector<Task> tasks = {
      {"ND",
       "nb201",
       {"1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "samsung_a50", "pixel3",
        "essential_ph_1", "samsung_s7"},
       {"titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"}},
      {"N1",
       "nb201",
       {"embedded_tpu_edgetpu_int8", "eyeriss", "mobile_gpu_snapdragon_855_adreno_640_int8", "pixel3"},
       {"1080ti_1", "titan_rtx_32", "titanxp_1", "2080ti_32", "titan_rtx_1"}},
      {"N2",
       "nb201",
       {"1080ti_1", "1080ti_32", "titanx_32", "titanxp_1", "titanxp_32"},
       {"embedded_gpu_jetson_nano_fp16", "embedded_tpu_edgetpu_int8",
        "mobile_dsp_snapdragon_855_hexagon_690_int8", "pixel3"}},
      {"N3",
       "nb201",
       {"desktop_gpu_gtx_1080ti_fp32", "embedded_gpu_jetson_nano_fp16", "eyeriss",
        "mobile_gpu_snapdragon_855_adreno_640_int8"},
       {"1080ti_1", "2080ti_1", "titanxp_1", "2080ti_32", "titanxp_32"}},
      {"N4",
       "nb201",
       {"desktop_cpu_core_i7_7820x_fp32", "embedded_gpu_jetson_nano_fp32", "embedded_tpu_edgetpu_int8",
        "eyeriss", "mobile_cpu_snapdragon_855_kryo_485_int8", "mobile_dsp_snapdragon_855_hexagon_690_int8",
        "mobile_gpu_snapdragon_855_adreno_640_int8", "pixel2"},
       {"1080ti_1", "2080ti_1", "titan_rtx_1"}},
      {"NA",
       "nb201",
       {"titan_rtx_1", "titan_rtx_32", "titanxp_1", "2080ti_1", "titanx_1", "1080ti_1", "titanx_32",
        "titanxp_32", "2080ti_32", "1080ti_32", "gold_6226", "samsung_s7", "silver_4114", "gold_6240",
        "silver_4210r", "samsung_a50", "pixel2"},
       {"eyeriss", "desktop_gpu_gtx_1080ti_fp32", "embedded_tpu_edgetpu_int8"}},
      {"FD",
       "fbnet",
       {"1080ti_1", "1080ti_32", "1080ti_64", "silver_4114", "silver_4210r", "samsung_a50", "pixel3",
        "essential_ph_1", "samsung_s7"},
       {"fpga", "raspi4", "eyeriss"}},
      {"F1",
       "fbnet",
       {"2080ti_1", "essential_ph_1", "silver_4114", "titan_rtx_1", "titan_rtx_32"},
       {"eyeriss", "fpga", "raspi4", "samsung_a50", "samsung_s7"}},
      {"F2",
       "fbnet",
       {"essential_ph_1", "gold_6226", "gold_6240", "pixel3", "raspi4"},
       {"1080ti_1", "1080ti_32", "2080ti_32", "titan_rtx_1", "titanxp_1"}},
      {"F3",
       "fbnet",
       {"essential_ph_1", "pixel2", "pixel3", "raspi4", "samsung_s7"},
       {"1080ti_1", "1080ti_32", "2080ti_1", "titan_rtx_1", "titan_rtx_32"}},
      {"F4",
       "fbnet",
       {"1080ti_64", "2080ti_1", "eyeriss", "gold_6226", "gold_6240", "raspi4", "samsung_s7", "silver_4210r",
        "titan_rtx_1", "titan_rtx_32"},
       {"1080ti_1", "pixel2", "essential_ph_1"}},
      {"FA",
       "fbnet",
       {"1080ti_1", "1080ti_32", "1080ti_64", "2080ti_1", "2080ti_32", "2080ti_64", "titan_rtx_1",
        "titan_rtx_32", "titan_rtx_64", "titanx_1", "titanx_32", "titanx_64", "titanxp_1", "titanxp_32",
        "titanxp_64"},
       {"gold_6226", "essential_ph_1", "samsung_s7", "pixel2"}},
      {"OD",
       "ofa",
       {"2080ti_1", "2080ti_32", "2080ti_64", "titan_xp_1", "titan_xp_32", "titan_xp_64"},
       {"titan_rtx_1", "titan_rtx_32", "titan_rtx_64"}},
  };
  return tasks;
}

const std::vector<Task>& development_tasks() {
  static const std::vector<Task> tasks = {
      {"A",
       "nb201",
       {"desktop_cpu_core_i7_7820x_fp32", "embedded_gpu_jetson_nano_fp32",
        "mobile_cpu_snapdragon_855_kryo_485_int8", "mobile_gpu_snapdragon_855_adreno_640_int8", "pixel2"},
       {"embedded_tpu_edgetpu_int8", "eyeriss", "mobile_dsp_snapdragon_855_hexagon_690_int8"}},
      {"B",
       "nb201",
       {"embedded_tpu_edgetpu_int8", "eyeriss", "mobile_dsp_snapdragon_855_hexagon_690_int8"},
       {"desktop_cpu_core_i7_7820x_fp32", "embedded_gpu_jetson_nano_fp32",
        "mobile_cpu_snapdragon_855_kryo_485_int8", "mobile_gpu_snapdragon_855_adreno_640_int8", "pixel2"}},
      {"C",
       "fbnet",
       {"1080ti_64", "2080ti_1", "titan_rtx_1", "titan_rtx_32", "eyeriss"},
       {"gold_6226", "gold_6240", "raspi4", "samsung_s7", "silver_4210r"}},
      {"D",
       "fbnet",
       {"gold_6226", "gold_6240", "raspi4", "samsung_s7", "silver_4210r"},
       {"1080ti_64", "2080ti_1", "titan_rtx_1", "titan_rtx_32", "eyeriss"}},
      {"E",
       "nb201",
       {"1080ti_1", "1080ti_32", "1080ti_256", "samsung_a50", "essential_ph_1", "samsung_s7"},
       {"silver_4114", "pixel3", "silver_4210r"}},
      {"F",
       "nb201",
       {"1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "pixel3"},
       {"samsung_a50", "essential_ph_1", "samsung_s7"}},
      {"G",
       "nb201",
       {"titan_rtx_1", "titan_rtx_32", "titanxp_1", "2080ti_1", "titanx_1", "1080ti_1", "titanx_32",
        "titanxp_32", "2080ti_32", "1080ti_32"},
       {"gold_6226", "samsung_s7", "silver_4114", "gold_6240", "samsung_a50"}},
      {"H",
       "fbnet",
       {"1080ti_1", "1080ti_32", "1080ti_64", "silver_4114", "silver_4210r"},
       {"samsung_a50", "pixel3", "essential_ph_1", "samsung_s7"}},
  };
  return tasks;
}

std::string device_family(const std::string& device) {
  // The i7-7820X and the GTX 1080 Ti of one data set are nearly the same numbers.
  for (const char* as_1080ti : {"desktop_gpu_gtx_1080ti_fp32", "desktop_cpu_core_i7_7820x_fp32"})
    if (device == as_1080ti) return "1080ti";
  if (device.find("snapdragon_855") != std::string::npos) return "snapdragon_855";
  if (device.find("jetson_nano") != std::string::npos) return "jetson_nano";
  for (const char* family :
       {"1080ti", "2080ti", "titan_rtx", "titanxp", "titan_xp", "titanx", "silver", "gold", "samsung"})
    if (device.rfind(std::string(family) + "_", 0) == 0)
      return std::string(family) == "titan_xp" ? "titanxp" : family;
  return device;
}

}  // namespace latencast
