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
  };
  return tasks;
}

}  // namespace latencast
