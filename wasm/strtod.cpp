// The C library's strtod works in 128-bit floating point, 6 kB of the module (gzip); here it reads the
// numbers of JSON alone, whose text has been checked, and JavaScript rounds them alike.
#include <emscripten.h>

#include <cstring>

EM_JS(double, latencast_number, (const char* text), { return parseFloat(UTF8ToString(text)); });

extern "C" double __wrap_strtod(const char* text, char** end) {
  if (end) *end = const_cast<char*>(text + std::strlen(text));
  return latencast_number(text);
}
