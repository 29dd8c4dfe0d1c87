# Emscripten's own toolchain file, found beside the `emcc` on the PATH (Debian package or emsdk).
find_program(LATENCAST_EMCC emcc REQUIRED)
get_filename_component(LATENCAST_EMCC_REAL ${LATENCAST_EMCC} REALPATH)
get_filename_component(LATENCAST_EMSCRIPTEN_ROOT ${LATENCAST_EMCC_REAL} DIRECTORY)
include(${LATENCAST_EMSCRIPTEN_ROOT}/cmake/Modules/Platform/Emscripten.cmake)
